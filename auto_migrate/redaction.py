"""Texts from elsewhere, fit to be shown and kept: without secrets, and without what a terminal would obey.

What a driver, a migration or another session says may hold anything: the URL that was called, a row, a key. All of it
passes here before it becomes the text of an error, an event or a row of the history.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from typing import Any

# As Django's own error pages write it.
HIDDEN = "********************"

QUOTED = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
VALUE = rf"""(?:{QUOTED}|[^\s,;&'")\]}}]+)"""
WORD = (
    r"[\w-]*?(?:passw(?:or)?d|passwd|passphrase|pwd|secret|token|api[-_ ]?key|apikey|access[-_ ]?key|private[-_ ]?key|"
    r"credentials?|signature|session[-_]?id|client[-_]?key|auth[-_]?key)[\w-]*"
)

FORMS = (
    r"eyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*)?",
    r"(?:AKIA|ASIA)[0-9A-Z]{16}",
    r"AIza[\w-]{30,}",
    r"gh[pousr]_[A-Za-z0-9]{20,}",
    r"github_pat_\w{20,}",
    r"glpat-[\w-]{16,}",
    r"xox[a-z]-[\w-]{10,}",
    r"(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{10,}",
    r"sk-[\w-]{16,}",
    r"whsec_[\w+/=-]{16,}",
    r"SG\.[\w-]{10,}\.[\w-]{10,}",
)

# In this order: the first ones take whole what later ones would take a part of.
PATTERNS: tuple[tuple[str, str], ...] = (
    # A key or a certificate's key, also on one line and cut short.
    (
        r"(?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|\Z)",
        HIDDEN,
    ),
    # scheme://user:password@host
    (r"(?<=://)[^\s'\"<>/@:]*:[^\s'\"<>]*@", f"{HIDDEN}@"),
    # Authorization: Bearer …, also as a dict is printed; a header of another name with such a value.
    (
        rf"""(?i)(\b(?:proxy-)?authorization\b["']?\s*[:=]\s*)(?:{QUOTED}|(?:[A-Za-z]+\s+)?[^\s,;'"}}]+)""",
        rf"\1{HIDDEN}",
    ),
    (r"(?i)(\bbearer\s+)(?!<)[\w.~+/=-]{6,}", rf"\1{HIDDEN}"),
    (r"(?i)((?:set-)?cookie\b[\"']?\s*:\s*)[^\r\n]+", rf"\1{HIDDEN}"),
    # Key (name, token)=(ana, …): what PostgreSQL says of a row.
    (rf"(?i)(\((?:[^()]*[\s,\"])?{WORD}[^()]*\)=)\([^()]*\)", rf"\1({HIDDEN})"),
    # ALTER ROLE … PASSWORD '…', IDENTIFIED BY '…'
    (rf"(?i)(\b(?:password|identified\s+by)\s+)(?:{QUOTED})", rf"\1{HIDDEN}"),
    # password=…, token: …, "api_key": "…", in connection strings, URLs, JSON and Python alike.
    (rf"""(?i)(\b{WORD}["']?\s*(?:=>|[=:](?!:))\s*)(?!\*{{20}}){VALUE}""", rf"\1{HIDDEN}"),
    # What says by its form that it is a key: JSON web tokens, and those of well-known providers.
    (rf"\b(?:{'|'.join(FORMS)})", HIDDEN),
)

# C0 and C1 but for tab and newline; what turns the direction of writing; separators of lines; halves of pairs.
CONTROLS = "\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
CONTROL = re.compile(f"[{CONTROLS}]")
CONTROL_OR_BREAK = re.compile(f"[{CONTROLS}\n\t]")

# The fields of events that hold what others have said.
FROM_ELSEWHERE = frozenset(
    {"error", "hint", "reason", "detail", "blockers", "holder", "clients", "held_by", "backfills"}
)


def redacted(text: str) -> str:
    """Return a text without the credentials that can be told by their place or by their form."""
    for pattern, replacement in _compiled():
        text = pattern.sub(replacement, text)
    return text


@functools.cache
def _compiled() -> tuple[tuple[re.Pattern[str], str], ...]:
    # Takes as long as half of all that is imported by a run that has nothing to say.
    return tuple((re.compile(pattern), replacement) for pattern, replacement in PATTERNS)


def printable(text: str, *, lines: bool = True) -> str:
    """Return a text with everything escaped that a terminal would obey; without `lines` on one line."""
    return (CONTROL if lines else CONTROL_OR_BREAK).sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape", "surrogatepass").decode("ascii")


def presentable(text: str) -> str:
    """Return a text, of several lines perhaps, as it may be shown and kept."""
    return printable(redacted(text))


def redacted_fields(event: Any) -> Any:
    """Return an event in which what others have said holds no credentials."""
    texts = {name: value for name, value in vars(event).items() if name in FROM_ELSEWHERE and value}
    changed = {name: mapped(value, redacted) for name, value in texts.items()}
    return dataclasses.replace(event, **changed) if changed != texts else event


def printable_fields(event: Any, *, lines: bool = False) -> Any:
    """Return an event none of whose texts a terminal would obey, nor take for several lines unless they may be."""
    changed = {name: mapped(value, lambda text: printable(text, lines=lines)) for name, value in vars(event).items()}
    return dataclasses.replace(event, **changed) if changed != vars(event) else event


def mapped(value: Any, change: Any) -> Any:
    """Return a value with every text in it changed, however deep; what has none stays the same object."""
    if type(value) is str:
        return change(value)
    if isinstance(value, tuple | list):
        items = [mapped(item, change) for item in value]
        return type(value)(items) if items != list(value) else value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value) if field.init]
        changed = {name: mapped(getattr(value, name), change) for name in names}
        same = all(changed[name] == getattr(value, name) for name in names)
        return value if same else dataclasses.replace(value, **changed)
    return value
