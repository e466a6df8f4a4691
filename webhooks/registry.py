"""Modules that a setting lists by dotted path, a line each. The last part of a path is the name that it goes by."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from types import ModuleType

from django.core.exceptions import ImproperlyConfigured


def name_of(path: str) -> str:
    """Return the name of the module of that path."""
    return str(path).rpartition(".")[2]


def find(paths: Sequence[str], name: str) -> str:
    """Return the path of that name; raise `ImproperlyConfigured` if there is none."""
    for path in paths:
        if name_of(path) == name:
            return path
    raise ImproperlyConfigured(f"{name!r} is none of {', '.join(map(name_of, paths))}.")


def load(path: str) -> ModuleType:
    """Load the module; raise `ImproperlyConfigured` if that fails, whatever the reason."""
    try:
        return import_module(path)
    except (Exception, SystemExit) as error:
        raise ImproperlyConfigured(f"{path!r} cannot be loaded: {error!r}.") from error
