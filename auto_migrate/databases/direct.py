"""A direct way to a database that the project reaches through a pooler."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.db import connections

from auto_migrate.conf import get_settings


def connection_settings(url: str) -> dict[str, Any]:
    """Return what a URL says in the words of `DATABASES`; what it does not say stays as the project has it."""
    parts = urlsplit(url)
    of_url = {
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "NAME": unquote(parts.path.lstrip("/")),
    }
    return {name: value for name, value in of_url.items() if value} | {"OPTIONS": dict(parse_qsl(parts.query))}


@contextlib.contextmanager
def directly(alias: str) -> Iterator[None]:
    """Let this thread's connection of `alias` lead to its direct URL, if the project names one."""
    url = get_settings().DIRECT_URLS.get(alias)
    if url is None:
        yield
        return
    usual = connections[alias]
    direct = usual.copy()
    of_url = connection_settings(url)
    options = {**direct.settings_dict["OPTIONS"], **of_url.pop("OPTIONS")}
    options.pop("pool", None)
    direct.settings_dict.update(of_url, OPTIONS=options)
    connections[alias] = direct
    try:
        yield
    finally:
        direct.close()
        connections[alias] = usual
