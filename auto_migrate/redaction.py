"""Texts from elsewhere, fit to be shown and kept: without secrets, and without what a terminal would obey.

What a driver, a migration or another session says may hold anything: the URL that was called, a row, a key. All of it
passes here before it becomes the text of an error, an event or a row of the history.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import re
from collections.abc import Callable
from typing import Any

Replacement = str | Callable[[re.Match[str]], str]

# C0 and C1 but for tab and newline; what is not seen or turns the direction of writing; separators of lines; halves of
# pairs; tags, which spell whole sentences unseen.
CONTROLS = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e0fff"
)
CONTROL = re.compile(f"[{CONTROLS}]")
CONTROL_OR_BREAK = re.compile(f"[{CONTROLS}\n\t]")

# The fields of events that hold what others have said.
FROM_ELSEWHERE = frozenset(
    {
        "error",
        "hint",
        "reason",
        "detail",
        "blockers",
        "holder",
        "clients",
        "held_by",
        "backfills",
        "statement",
        "unchecked",
    }
)


def redacted(text: str) -> str:
    """Return a text without credentials: this process's own, and what can be told by its place or by its form."""
    for pattern, replacement in _patterns():
        text = pattern.sub(replacement, text)
    return text


def _patterns() -> tuple[tuple[re.Pattern[str], Replacement], ...]:
    # A run that has nothing to say imports none of it.
    from auto_migrate.credential_forms import HIDDEN
    from auto_migrate.own_credentials import own_credentials

    own = own_credentials()
    return ((own, HIDDEN), *_compiled()) if own is not None else _compiled()


@functools.cache
def _compiled() -> tuple[tuple[re.Pattern[str], Replacement], ...]:
    from auto_migrate.credential_forms import PATTERNS

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
    if isinstance(value, str) and not isinstance(value, enum.Enum):
        return change(value)
    if isinstance(value, tuple | list):
        items = [mapped(item, change) for item in value]
        return type(value)(items) if items != list(value) else value
    if isinstance(value, dict):
        changed = {mapped(key, change): mapped(item, change) for key, item in value.items()}
        return changed if changed != value else value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value) if field.init]
        changed = {name: mapped(getattr(value, name), change) for name in names}
        same = all(changed[name] == getattr(value, name) for name in names)
        return value if same else dataclasses.replace(value, **changed)
    return value
