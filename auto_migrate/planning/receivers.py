"""Who hears of migrations: the receivers of `pre_migrate` and `post_migrate`, and where they are written.

What Django's own do (content types, permissions, a first site) follows from the models and from a few settings. What
others do nobody can tell but by their source, and by whatever they may read.
"""

from __future__ import annotations

import functools
import inspect
import sys
import weakref
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from types import MethodType
from typing import Any

from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate, pre_migrate
from django.dispatch import Signal

from auto_migrate.planning.sources import Unreadable

SIGNALS = (pre_migrate, post_migrate)


# What these make follows from the models, whichever registry they are handed.
OF_MODELS = frozenset({
    "django.contrib.auth.management.create_permissions",
    "django.contrib.contenttypes.management.create_contenttypes",
    "django.contrib.contenttypes.management.inject_rename_contenttypes_operations",
})  # fmt: skip
# And what these do, from the models and from the rows that the first make of them.
OF_ROWS = OF_MODELS | {
    "django.contrib.auth.management.rename_permissions_after_model_rename",
    "django.contrib.sites.management.create_default_site",
}


def retold(signal: Signal, changes: Callable[[Any], Mapping[str, object] | None]) -> Signal:
    """Return what receivers take for a signal of another, in which each hears what `changes` says; of None, nothing."""
    told = Signal()
    for key, reference, *rest in list(signal.receivers):
        receiver = reference() if isinstance(reference, weakref.ReferenceType) else reference
        if receiver is not None and (changed := changes(receiver)) is not None:
            told.receivers.append((key, functools.partial(_hear, receiver, {"signal": signal, **changed}), *rest))
    return told


def _hear(receiver: Callable[..., object], changed: Mapping[str, object], /, **named: object) -> object:
    return receiver(**{**named, **changed})


def of_others(signal: Signal) -> Signal:
    """Return a signal that is heard by those receivers of another that are not Django's own."""
    return retold(signal, lambda receiver: None if is_own(receiver) else {})


def with_models_of_code(signal: Signal) -> Signal:
    """Return a signal in which those of Django's receivers that go through all models are handed the code's."""
    return retold(signal, lambda receiver: {"apps": apps} if _follows_models(receiver) else {})


def _follows_models(receiver: Any) -> bool:
    return _is_one_of(OF_MODELS, receiver)


def all_follow_rows() -> bool:
    """Return whether nobody hears of migrations but those of Django's whose work follows from models and rows."""
    return all(_is_one_of(OF_ROWS, receiver) for receiver in receivers())


def _is_one_of(names: Collection[str], receiver: Any) -> bool:
    return is_own(receiver) and f"{_module(receiver)}.{receiver.__name__}" in names


def receivers() -> Iterator[Any]:
    """Return every receiver of both signals."""
    for signal in SIGNALS:
        for _key, reference, *_rest in signal.receivers:
            receiver = reference() if isinstance(reference, weakref.ReferenceType) else reference
            if receiver is not None:
                yield receiver


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
