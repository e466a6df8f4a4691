"""What a comparison was made from, in one hash: while it is the same, so is the answer.

A comparison depends on the migration files and what they import, on the settings that name or leave out migrations, on
the versions of Django and of this package, and on the recorded rows; what `post_migrate` does depends on the models, on
the routers and on its receivers with what they import, and on the settings and the environment's variables that these
mention; where others than Django's listen, on all of the project's code, which they may read. All of it is read without
building a graph, and as a rule without importing a migration. What cannot be read this way (migrations in a zip file,
say) gives no fingerprint, and the long way is taken.

Nothing here depends on where the files lie, so that replicas and other checkouts of the same code agree.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
import logging
import os
import re
import sys
import weakref
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import django
from django.apps import AppConfig, apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import router
from django.db.models.signals import post_migrate, pre_migrate
from django.dispatch import Signal
from django.utils.translation import override

from auto_migrate import version
from auto_migrate.conf import get_settings
from auto_migrate.planning.project_code import project_code
from auto_migrate.planning.sources import INSTALLED, Imports, Unreadable, migrations_of, read
from auto_migrate.tenants import tenants_package
from auto_migrate.values import Node

ADDRESS = re.compile(r" at 0x[0-9a-f]+")

logger = logging.getLogger(__name__)


class Code:
    """What the code of this process needs: a digest of it, and the apps that bring migrations."""

    def __init__(self, digest: bytes, app_labels: tuple[str, ...]) -> None:
        self.digest = digest
        self.app_labels = app_labels

    def fingerprint(self, recorded: Iterable[Node]) -> str:
        """Return the hash of the code and the recorded rows together."""
        whole = hashlib.blake2b(self.digest, digest_size=32)
        for app_label, name in recorded:
            _add(whole, app_label, name)
        return whole.hexdigest()

    def unchecked(self, recorded: Iterable[Node]) -> str:
        """Return what a run leaves in its place that skipped the system checks, of which it proves nothing."""
        return f"-{self.fingerprint(recorded)[1:]}"

    def answers(self, recorded: Iterable[Node]) -> tuple[str, str]:
        """Return all that a run may have left that found the database up to date."""
        rows = tuple(recorded)
        return self.fingerprint(rows), self.unchecked(rows)


def read_code(database: str) -> Code | None:
    """Read everything that a comparison on this alias depends on, save the rows; None if it cannot be read."""
    try:
        # One schema's record proves nothing of the others.
        return None if tenants_package(database) else _read(database)
    except Exception as error:  # noqa: BLE001 # it only saves time: whatever goes wrong in it, the long way is right
        logger.debug("There is no fingerprint: %s: %s", type(error).__name__, error)
        return None


def _read(database: str) -> Code:
    whole = hashlib.blake2b(digest_size=32)
    # Names of permissions may be translated, and who asks may speak another language each time.
    with override(None):
        _add(whole, *_versions(), *_settings(), *_models(), *_answers(database))
    heard, imports = Imports(with_mentions=True), Imports()
    # Some register when their app's `management` is imported, which a run does and a probe does not.
    late = {path: package for config in apps.get_app_configs() for path, package in _management(config)}
    contents = {path: _followed(path, package, heard) for path, package in late.items()}
    _add(whole, *contents.values(), *_receivers(heard, late))
    mentioned = filter(str.isupper, dir(settings)) if heard.unnamed else heard.settings
    _add(whole, *map(_setting, sorted(mentioned)), *map(_variable, sorted(heard.variables)))
    if _do_others_hear({late[path]: content for path, content in contents.items()}):
        _add(whole, *project_code(imports))
    labels = _add_migrations(whole, imports)
    for name, digest in sorted({**heard.found, **imports.found}.items()):
        _add(whole, name, digest)
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
    yield from (django.get_version(), version.__version__, str(sys.version_info), get_settings().release)


def _settings() -> Iterator[str]:
    yield repr(sorted((label, str(module)) for label, module in settings.MIGRATION_MODULES.items()))
    yield settings.DEFAULT_AUTO_FIELD
    for model in apps.get_models(include_swapped=True):
        if name := model._meta.swappable:
            yield _setting(name)


def _setting(name: str) -> str:
    try:
        return f"{name}={_canonical(getattr(settings, name, None))}"
    except ImproperlyConfigured:
        # Django refuses to give a secret key that is empty.
        return f"{name}?"


def _variable(name: str) -> str:
    return f"${name}={os.environ.get(name)!r}"


def _canonical(value: object) -> str:
    """Return a value as text that is the same in every process: without addresses, and with sets in order."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_canonical(key)}: {_canonical(said)}' for key, said in value.items())}}}"
    if isinstance(value, list | tuple | set | frozenset):
        parts = [_canonical(part) for part in value]
        return f"{type(value).__name__}({', '.join(sorted(parts) if isinstance(value, set | frozenset) else parts)})"
    inside = f"{vars(value)!r}" if type(value).__repr__ is object.__repr__ and hasattr(value, "__dict__") else ""
    return ADDRESS.sub("", f"{value!r}{inside}")


def _models() -> Iterator[str]:
    """What content types and permissions are made from."""
    for model in apps.get_models():
        options = model._meta
        yield f"{options.label} {options.managed} {options.proxy} {options.verbose_name_raw}"
        yield repr((list(options.default_permissions), [tuple(map(str, pair)) for pair in options.permissions]))


def _answers(database: str) -> Iterator[str]:
    """What the routers say of every app and model."""
    if router.routers:
        yield repr([router.allow_migrate(database, config.label) for config in apps.get_app_configs()])
        models = apps.get_models(include_auto_created=True, include_swapped=True)
        yield repr([router.allow_migrate_model(database, model) for model in models])


def _do_others_hear(late: Mapping[str, bytes]) -> bool:
    """Return whether anybody but Django hears of migrations; the same before `management` is imported and after.

    `late` has the content of each `management` by its package.
    """
    if any(content.strip() for package, content in late.items() if not _is_own(package)):
        return True
    receivers = (receiver for signal in (pre_migrate, post_migrate) for receiver in _connected(signal))
    return not all(_is_own(_written(receiver).__module__ or "") for receiver in receivers)


def _is_own(module: str) -> bool:
    return module.partition(".")[0] in {"django", "auto_migrate"}


def _connected(signal: Signal) -> Iterator[Any]:
    for _key, reference, *_rest in signal.receivers:
        receiver = reference() if isinstance(reference, weakref.ReferenceType) else reference
        if receiver is not None:
            yield receiver


def _receivers(imports: Imports, late: Collection[Path]) -> Iterator[str | bytes]:
    """The source of whoever listens to the signals, since nobody else can tell what they would do.

    What their modules lead to, and mention, is left in `imports`; the files of those that are `late` are read already.
    """
    for signal in (pre_migrate, post_migrate):
        for receiver in _connected(signal):
            if (source := _source(receiver))[0] not in late:
                yield from (getattr(receiver, "__qualname__", ""), _followed(*source, imports))


def _management(config: AppConfig) -> list[tuple[Path, str]]:
    """Return the files that an app's `management` may be, and the package that each one's imports start from."""
    package, module = Path(config.path, "management", "__init__.py"), Path(config.path, "management.py")
    found = [(package, f"{config.name}.management"), (module, config.name)]
    return [(path, name) for path, name in found if path.is_file()]


def _written(receiver: Any) -> Any:
    """Return the function or the class that a receiver is written as."""
    plain = inspect.unwrap(receiver.func if isinstance(receiver, functools.partial) else receiver)
    return plain if inspect.isroutine(plain) else type(plain)


def _source(receiver: Any) -> tuple[Path, str]:
    """Return the file that a receiver is written in, and the package that its imports start from."""
    written = _written(receiver)
    try:
        path = Path(inspect.getsourcefile(written) or "")
    except TypeError as error:
        raise Unreadable(f"{receiver!r} has no source") from error
    return path, getattr(sys.modules.get(written.__module__), "__package__", None) or ""


def _followed(path: Path, package: str, imports: Imports) -> bytes:
    """Read a file, and follow its imports unless it was installed: its neighbours change with its own version."""
    content = read(path)
    if INSTALLED.isdisjoint(path.parts):
        imports.follow(content, package)
    else:
        imports.mention_own(content, package)
    return content


def _add_migrations(whole: Any, imports: Imports) -> list[str]:
    """Add the files of all migrations; give the labels of the apps that have any."""
    labels, mentioned = [], set()
    for config in sorted(apps.get_app_configs(), key=lambda config: config.label):
        _add(whole, config.label, config.name)
        folder = migrations_of(config)
        if folder is None:
            _add(whole, "no migrations")
            continue
        mentioned |= folder.settings
        for name, content in folder.files.items():
            _add(whole, name, content)
            imports.follow(content, folder.module)
        for name, content in folder.below.items():
            _add(whole, name, content)
            imports.follow(content, ".".join([folder.module, *name.split("/")[:-1]]))
        _add(whole, *folder.computed(config.label))
        if folder.names:
            labels.append(config.label)
    _add(whole, *map(_setting, sorted(mentioned)))
    return labels
