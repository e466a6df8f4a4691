"""The project's own listeners, which the setting `LISTENERS` names.

A path names a function, or a class that is instantiated without arguments for each run, wait or check of one database:
an instance may keep what it has seen.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _

from auto_migrate.conf import get_settings, load_callable, unusable
from auto_migrate.events import Listener

logger = logging.getLogger(__name__)


# What carries out the setting `NOTIFY`; by its path, since it stands above the engine, as the project's own do.
NOTIFIER = "auto_migrate.reporting.notifications.notifier.Notifier"
# What begins to work when somebody asks for what it has to give.
LATE = (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction)


def project_listeners() -> list[Listener]:
    """Return the project's listeners; raise `UsageError` for a path that names none, before any is instantiated."""
    settings = get_settings()
    found = {path: load_listener(path) for path in (*settings.LISTENERS, *([NOTIFIER] if settings.NOTIFY else []))}
    return [listener for path, kind in found.items() for listener in _instantiated(path, kind)]


def load_listener(path: str) -> Any:
    """Return the function or class that a path names; raise `UsageError` for what cannot listen."""
    found = load_callable("LISTENERS", path)
    if reason := _unfit(found):
        raise unusable("LISTENERS", path, reason)
    return found


def _unfit(found: Any) -> str:
    """Return why a callable can hear nothing, whatever happens; empty if it may."""
    called, arguments = found, 2
    if isinstance(found, type):
        # Every class is callable itself, which says nothing of its instances.
        if not any("__call__" in vars(base) for base in found.__mro__):
            return _("instances of this class are not callable")
        if not _takes(found, 0):
            return _("it cannot be instantiated without arguments")
        called, arguments = inspect.getattr_static(found, "__call__"), 3
    if any(is_late(function) for function in (called, type(called).__call__) for is_late in LATE):
        return _("a coroutine or a generator does nothing when it is called: write a plain function")
    return "" if _takes(called, arguments) else _("it is called with two arguments, the event and its context")


def _takes(function: Any, arguments: int) -> bool:
    """Return whether a callable may be called with so many arguments."""
    try:
        # A decorator may add some, and what it wraps says nothing of them.
        signature = inspect.signature(function, follow_wrapped=False)
    except (TypeError, ValueError):
        # Written in C, or by somebody who knows better.
        return True
    try:
        signature.bind(*[None] * arguments)
    except TypeError:
        return False
    return True


def _instantiated(path: str, found: Any) -> Iterator[Listener]:
    try:
        yield found() if isinstance(found, type) else found
    except (Exception, SystemExit):
        # As with one that raises when it is told something: it stops nothing.
        logger.exception("The listener %s could not be made", path)
