"""The project's own listeners, which the setting `LISTENERS` names.

A path names a function, or a class that is instantiated without arguments for each run, wait or check of one database:
an instance may keep what it has seen.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _

from auto_migrate.conf import get_settings, load_callable, unusable
from auto_migrate.events import Listener

logger = logging.getLogger(__name__)


# What carries out the setting `NOTIFY`; by its path, since it stands above the engine, as the project's own do.
NOTIFIER = "auto_migrate.reporting.notifications.notifier.Notifier"


def project_listeners() -> list[Listener]:
    """Return the project's listeners; raise `UsageError` for a path that names none, before any is instantiated."""
    settings = get_settings()
    found = {path: load_listener(path) for path in (*settings.LISTENERS, *([NOTIFIER] if settings.NOTIFY else []))}
    return [listener for path, kind in found.items() for listener in _instantiated(path, kind)]


def load_listener(path: str) -> Any:
    """Return the function or class that a path names; raise `UsageError` for what cannot listen."""
    found = load_callable("LISTENERS", path)
    # Every class is callable itself, which says nothing of its instances.
    if isinstance(found, type) and not any("__call__" in vars(base) for base in found.__mro__):
        raise unusable("LISTENERS", path, _("instances of this class are not callable"))
    return found


def _instantiated(path: str, found: Any) -> Iterator[Listener]:
    try:
        yield found() if isinstance(found, type) else found
    except Exception:
        # As with one that raises when it is told something: it stops nothing.
        logger.exception("The listener %s could not be made", path)
