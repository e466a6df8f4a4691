"""The credentials that this process has itself, which no text may hold in whatever shape.

They are known by the names of settings and of the environment's variables, and by the place that they have in URLs.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus, unquote

from django.conf import settings
from django.core.signals import setting_changed

from auto_migrate.credential_forms import NAME

# Shorter ones, and plain words, are found in texts that have nothing to do with them.
SHORTEST = 8
LONG_WORD = 12
# Where something is, and a dotted path to code.
PLACE = re.compile(r"(?i)(?:file|path|dir|url|uri|name|header|field|class|model|prefix|timeout)s?\Z")
DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")
CREDENTIAL = re.compile(f"(?i){NAME}")
IN_URL = re.compile(r"://[^\s/@:]*:(?P<password>[^\s@]+)@")


@functools.cache
def own_credentials() -> re.Pattern[str] | None:
    """Return what finds them, as they are and as URLs have them; None if there are none."""
    found = {form for value in _values() if _is_telling(value) for form in (value, quote(value, ""), quote_plus(value))}
    if not found:
        return None
    # The longest first: one may begin as another does.
    listed = "|".join(map(re.escape, sorted(found, key=len, reverse=True)))
    return re.compile(rf"(?<!\w)(?:{listed})(?!\w)")


def _values() -> Iterator[str]:
    yield from _within(os.environ)
    holder: Any = settings._wrapped if settings.configured else None
    while holder is not None:
        # Looked up where they are kept: to ask for one that Django has deprecated is a warning, or an error.
        kept = vars(holder)
        yield from _within({name: value for name, value in kept.items() if name.isupper()})
        holder = kept.get("default_settings")


def _within(values: Mapping[Any, Any]) -> Iterator[str]:
    """Return what may be credentials: texts whose name says so, and passwords in URLs, however deep they stand.

    A setting may hold anything. What only claims to be a text or a mapping is lazy, and is not evaluated for this.
    """
    left: list[tuple[bool, Any]] = [(False, values)]
    seen = dict[int, Any]()
    while left:
        is_named, value = left.pop()
        if issubclass(type(value), str):
            yield from ((value,) if is_named else map(unquote, IN_URL.findall(value)))
        elif id(value) in seen:
            # One may hold itself.
            continue
        elif issubclass(type(value), Mapping):
            seen[id(value)] = value
            with contextlib.suppress(Exception):
                left += [(_names_credential(str(name)), inner) for name, inner in value.items()]
        elif issubclass(type(value), list | tuple | set | frozenset):
            seen[id(value)] = value
            left += [(is_named, inner) for inner in value]


def _names_credential(name: str) -> bool:
    return CREDENTIAL.search(name) is not None and not PLACE.search(name)


def _is_telling(value: str) -> bool:
    is_word = value.isalpha() and len(value) < LONG_WORD
    return len(value) >= SHORTEST and not is_word and not DOTTED.fullmatch(value) and not value.startswith("/")


def _forget(**_changed: Any) -> None:
    own_credentials.cache_clear()


setting_changed.connect(_forget, dispatch_uid="auto_migrate.own_credentials")
