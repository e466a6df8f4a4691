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
from types import MethodType
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
    """Return whether a receiver is this package's, or a plain function of Django's that nobody has wrapped."""
    if inspect.ismethod(receiver):
        # An object of Django's does what it was given, and what others have made of its class.
        return _is_this_packages(receiver)
    return inspect.isfunction(receiver) and all(is_own_module(_module(one)) for one in written(receiver))


def _is_this_packages(method: MethodType) -> bool:
    return _module(method.__func__).partition(".")[0] == "auto_migrate"


def is_own_module(name: str) -> bool:
    """Return whether a module is Django's or this package's."""
    return name.partition(".")[0] in {"django", "auto_migrate"}


def written(receiver: Any) -> Iterator[Any]:
    """Return the functions and classes that a receiver is written as, a wrapper before what it wraps."""
    while isinstance(receiver, functools.partial):
        receiver = receiver.func
    if isinstance(receiver, MethodType):
        if not _is_this_packages(receiver):
            # What is inherited may call what is not.
            yield receiver.__self__ if isinstance(receiver.__self__, type) else type(receiver.__self__)
        receiver = receiver.__func__
    kind = type(receiver)
    if inspect.isroutine(receiver):
        yield receiver
    elif kind.__module__ != "functools":
        yield kind
    if (wrapped := inspect.getattr_static(receiver, "__wrapped__", None)) is not None:
        yield from written(wrapped)


def _module(function_or_class: Any) -> str:
    """Return where something is written, whatever `functools.wraps` has it say."""
    names = getattr(function_or_class, "__globals__", {})
    return str(names.get("__name__") or function_or_class.__module__ or "")


def sources_of(receiver: Any) -> Iterator[tuple[str, Path, str]]:
    """Return the name of each part of a receiver, its file, and the package that the file's imports start from."""
    for one in written(receiver):
        try:
            # A wrapper has the name of what it wraps, and is looked for where its own code lies.
            path = Path(inspect.getsourcefile(getattr(one, "__code__", one)) or "")
        except TypeError as error:
            raise Unreadable(f"{receiver!r} has no source") from error
        yield one.__qualname__, path, getattr(sys.modules.get(_module(one)), "__package__", None) or ""


def management_files() -> dict[Path, str]:
    """Return the files in which apps register receivers, by Django's convention, with the package of each.

    They are imported by a run and not by a probe, and count for both.
    """
    return {path: package for config in apps.get_app_configs() for path, package in _management(config)}


def _management(config: AppConfig) -> list[tuple[Path, str]]:
    package, module = Path(config.path, "management", "__init__.py"), Path(config.path, "management.py")
    found = [(package, f"{config.name}.management"), (module, config.name)]
    return [(path, name) for path, name in found if path.is_file()]
