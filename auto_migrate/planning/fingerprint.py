"""What a comparison was made from, in one hash: while it is the same, so is the answer.

A comparison depends on the migration files, on the settings that name or leave out migrations, on the versions of
Django and of this package, and on the recorded rows; what `post_migrate` does depends on the models and on its
receivers. All of it is read without importing a migration or building a graph. What cannot be read this way (migrations
in a zip file, say) gives no fingerprint, and the long way is taken.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
import os
import sys
import weakref
from collections.abc import Iterable, Iterator
from importlib.machinery import all_suffixes
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import django
from django.apps import AppConfig, apps
from django.conf import settings
from django.db import router
from django.db.models.signals import post_migrate, pre_migrate

import auto_migrate
from auto_migrate.conf import get_settings
from auto_migrate.planning.targets import Node

SUFFIXES = tuple(all_suffixes())


class Unreadable(Exception):
    """Something that the comparison depends on cannot be read without importing it."""


class Code:
    """What the code of this process needs: a digest of it, and the apps that bring migrations."""

    def __init__(self, digest: bytes, app_labels: tuple[str, ...]) -> None:
        self.digest = digest
        self.app_labels = app_labels

    def fingerprint(self, recorded: Iterable[Node]) -> str:
        """Give the hash of the code and the recorded rows together."""
        whole = hashlib.blake2b(self.digest, digest_size=32)
        for app_label, name in recorded:
            _add(whole, app_label, name)
        return whole.hexdigest()


def read_code(database: str) -> Code | None:
    """Read everything that a comparison on this alias depends on, save the rows; None if it cannot be read."""
    whole = hashlib.blake2b(digest_size=32)
    labels = []
    try:
        _add(whole, *_versions(), *_settings(), *_models(), *_receivers())
        for config in sorted(apps.get_app_configs(), key=lambda config: config.label):
            _add(whole, config.label, config.name, str(router.allow_migrate(database, config.label)))
            if _add_migrations(whole, config):
                labels.append(config.label)
    except Unreadable:
        return None
    return Code(whole.digest(), tuple(labels))


@functools.cache
def code_of_process(database: str) -> Code | None:
    """Read the code once: for processes that live long, and whose files are those that they were started with."""
    return read_code(database)


def _add(whole: Any, *parts: str | bytes) -> None:
    """Add parts so that no other sequence of parts gives the same bytes."""
    for part in parts:
        data = part if isinstance(part, bytes) else part.encode("utf-8", "surrogatepass")
        whole.update(b"%d:" % len(data))
        whole.update(data)


def _versions() -> Iterator[str]:
    yield from (django.get_version(), auto_migrate.__version__, sys.version, get_settings().release)


def _settings() -> Iterator[str]:
    yield repr(sorted((label, str(module)) for label, module in settings.MIGRATION_MODULES.items()))
    yield repr([str(router) for router in settings.DATABASE_ROUTERS])
    yield settings.DEFAULT_AUTO_FIELD
    for model in apps.get_models(include_swapped=True):
        if name := model._meta.swappable:
            yield f"{name}={getattr(settings, name, '')}"


def _models() -> Iterator[str]:
    """What content types and permissions are made from."""
    for model in apps.get_models(include_auto_created=True):
        options = model._meta
        yield f"{options.label} {options.managed} {options.proxy} {options.verbose_name_raw}"
        yield repr((list(options.default_permissions), [tuple(map(str, pair)) for pair in options.permissions]))


def _receivers() -> Iterator[bytes]:
    """The source of whoever listens to the signals, since nobody else can tell what they would do."""
    for signal in (pre_migrate, post_migrate):
        for _key, reference, *_rest in signal.receivers:
            yield _source(reference() if isinstance(reference, weakref.ReferenceType) else reference)
    for config in apps.get_app_configs():
        path = Path(config.path, "management", "__init__.py")
        if path.is_file():
            yield path.read_bytes()


def _source(receiver: Any) -> bytes:
    if receiver is None:
        return b""
    try:
        return Path(inspect.getsourcefile(inspect.unwrap(receiver)) or "").read_bytes()
    except (TypeError, OSError) as error:
        raise Unreadable from error


def _add_migrations(whole: Any, config: AppConfig) -> bool:
    """Add the files of an app's migrations; tell whether it has any."""
    folder = _folder(config)
    if folder is None:
        _add(whole, "no migrations")
        return False
    names = set()
    for entry in sorted(_files(folder), key=lambda entry: entry.name):
        content = Path(entry.path).read_bytes()
        name = entry.name.split(".", 1)[0]
        if name == "__init__" and b"__path__" in content:
            # The package says itself where its modules are.
            raise Unreadable
        _add(whole, entry.name, content)
        names.add(name)
    return "__init__" in names and any(name[0] not in "_~" for name in names)


def _files(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return [entry for entry in entries if entry.name.endswith(SUFFIXES) and entry.is_file()]
    except OSError as error:
        raise Unreadable from error


def _folder(config: AppConfig) -> Path | None:
    """Give the folder of an app's migrations, or None if it has none; found where Django's loader finds it."""
    if config.label not in settings.MIGRATION_MODULES:
        folder = _only_place(getattr(config.module, "__path__", None)) / "migrations"
        return folder if folder.is_dir() else None
    module = settings.MIGRATION_MODULES[config.label]
    if module is None:
        return None
    try:
        spec = find_spec(module)
    except (ImportError, ValueError, AttributeError) as error:
        raise Unreadable from error
    if spec is None or spec.submodule_search_locations is None:
        return None
    return _only_place(spec.submodule_search_locations)


def _only_place(places: Iterable[str] | None) -> Path:
    found = [Path(place) for place in places or ()]
    if len(found) != 1 or not found[0].is_dir():
        raise Unreadable
    return found[0]
