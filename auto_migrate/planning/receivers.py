"""Who hears of migrations: the receivers of `pre_migrate` and `post_migrate`, and where they are written.

What Django's own do (content types, permissions, a first site) follows from the models and from a few settings. What
others do nobody can tell but by their source, and by whatever they may read.
"""

from __future__ import annotations

import functools
import inspect
import sys
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate, pre_migrate
from django.dispatch import Signal

from auto_migrate.planning.sources import Unreadable

SIGNALS = (pre_migrate, post_migrate)


def of_others(signal: Signal) -> Signal:
    """Return a signal that is heard by those receivers of another that are not Django's own."""
    others = Signal()
    others.receivers = [entry for entry in signal.receivers if not _is_djangos(entry)]
    return others


def _is_djangos(entry: Any) -> bool:
    receiver = _receiver(entry)
    return receiver is not None and is_own(receiver)


def receivers() -> Iterator[Any]:
    """Return every receiver of both signals."""
    for signal in SIGNALS:
        yield from (receiver for entry in signal.receivers if (receiver := _receiver(entry)) is not None)


def _receiver(entry: Any) -> Any:
    _key, reference, *_rest = entry
    return reference() if isinstance(reference, weakref.ReferenceType) else reference


def is_own(receiver: Any) -> bool:
    """Return whether a receiver is Django's or this package's."""
    return is_own_module(_written(receiver).__module__ or "")


def is_own_module(name: str) -> bool:
    """Return whether a module is Django's or this package's."""
    return name.partition(".")[0] in {"django", "auto_migrate"}


def _written(receiver: Any) -> Any:
    """Return the function or the class that a receiver is written as."""
    plain = inspect.unwrap(receiver.func if isinstance(receiver, functools.partial) else receiver)
    return plain if inspect.isroutine(plain) else type(plain)


def source_of(receiver: Any) -> tuple[Path, str]:
    """Return the file that a receiver is written in, and the package that its imports start from."""
    written = _written(receiver)
    try:
        path = Path(inspect.getsourcefile(written) or "")
    except TypeError as error:
        raise Unreadable(f"{receiver!r} has no source") from error
    return path, getattr(sys.modules.get(written.__module__), "__package__", None) or ""


def management_files() -> dict[Path, str]:
    """Return the files in which apps register receivers, by Django's convention, with the package of each.

    They are imported by a run and not by a probe, and count for both.
    """
    return {path: package for config in apps.get_app_configs() for path, package in _management(config)}


def _management(config: AppConfig) -> list[tuple[Path, str]]:
    package, module = Path(config.path, "management", "__init__.py"), Path(config.path, "management.py")
    found = [(package, f"{config.name}.management"), (module, config.name)]
    return [(path, name) for path, name in found if path.is_file()]
