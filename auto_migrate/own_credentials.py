"""The credentials that this process has itself, which no text may hold in whatever shape.

They are known by the names of settings and of the environment's variables, and by the place that they have in URLs.
"""

from __future__ import annotations

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
    is_credential = re.compile(f"(?i){NAME}").search
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _within(value)
            continue
        named = is_credential(str(name)) is not None and not PLACE.search(str(name))
        for text in value if isinstance(value, list | tuple | set | frozenset) else (value,):
            if isinstance(text, Mapping):
                yield from _within(text)
            elif isinstance(text, str):
                yield from ((text,) if named else map(unquote, IN_URL.findall(text)))


def _is_telling(value: str) -> bool:
    is_word = value.isalpha() and len(value) < LONG_WORD
    return len(value) >= SHORTEST and not is_word and not DOTTED.fullmatch(value) and not value.startswith("/")


def _forget(**_changed: Any) -> None:
    own_credentials.cache_clear()


setting_changed.connect(_forget, dispatch_uid="auto_migrate.own_credentials")
