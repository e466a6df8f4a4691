"""What a comparison was made from, in one hash: while it is the same, so is the answer.

A fingerprint has four parts, so that a deploy pays for what has changed. Of the *schema*: the migration files and what
they import, the settings that name or leave out migrations, the versions of Django and of this package, the recorded
rows; and the models and routers, from which Django's own receivers of `post_migrate` make content types and
permissions. Of the *receivers* of others, empty where there are none: their source with what it imports, the release,
all of the project's code, which they may read, and the settings and the environment's variables that any of it
mentions. Of the system *checks* that were passed: the release, and the receivers' part. And of the models that were
*reflected* in the migrations when Django's `migrate` last looked, which nobody else does.

All of it is read without building a graph, and as a rule without importing a migration. What cannot be read this way
(migrations in a zip file, say) gives no fingerprint, and the long way is taken.

Nothing here depends on where the files lie, so that replicas and other checkouts of the same code agree.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import logging
import os
import re
import sys
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

import django
from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import router
from django.utils.translation import override

from auto_migrate import version
from auto_migrate.conf import get_settings
from auto_migrate.planning.imports import Imports, Modules
from auto_migrate.planning.project_code import distributions, project_code
from auto_migrate.planning.receivers import is_own, is_own_module, management_files, receivers, sources_of
from auto_migrate.planning.sources import INSTALLED, migrations_of, read
from auto_migrate.tenancy import tenancy_of
from auto_migrate.values import Node, ValueObject

# Which apps are whose, as django-tenants and django-pgschemas are told.
TENANTS = ("SHARED_APPS", "TENANT_APPS", "HAS_MULTI_TYPE_TENANTS", "TENANT_TYPES", "TENANTS")
ADDRESS = re.compile(r" at 0x[0-9a-f]+")
# Of a part of which nothing is proven.
UNKNOWN = "-" * 8

logger = logging.getLogger(__name__)


class Fingerprint(ValueObject):
    """The four parts, in hexadecimal digits: 32, 16, 8 and 8 of them."""

    schema: str
    receivers: str
    checks: str
    reflected: str = UNKNOWN

    def __str__(self) -> str:
        """Return the parts as they are kept."""
        return f"{self.schema}{self.receivers}{self.checks}{self.reflected}"

    @classmethod
    def parsed(cls, text: str) -> Fingerprint:
        """Return what was kept; of what an older version kept, no part is ever found again."""
        return cls(text[:32], text[32:48], text[48:56], text[56:])

    def unchecked(self) -> Fingerprint:
        """Return what a run leaves that skipped the system checks, of which it proves nothing."""
        return dataclasses.replace(self, checks=UNKNOWN)


class Known(ValueObject):
    """What the code is now, and what it was when the last run found the database up to date."""

    now: Fingerprint
    last: Fingerprint
    # Whether some may stand, about which a run has to ask.
    may_have_bridges: bool = True

    @property
    def is_same_schema(self) -> bool:
        """Whether nothing has changed of what decides which migrations are pending."""
        return self.last.schema == self.now.schema

    @property
    def is_checked(self) -> bool:
        """Whether this code has passed the system checks."""
        return self.is_same_schema and self.last.checks == self.now.checks

    @property
    def is_heard(self) -> bool:
        """Whether the receivers of others than Django have heard of this code."""
        return self.last.receivers == self.now.receivers

    def learned(self, *, skipped_checks: bool, reflected: str = "") -> str:
        """Return the fingerprint that a run leaves which has caught up, empty if there was nothing to catch up with.

        `reflected` are the models that it found no difference to, if it looked.
        """
        learned = self.now.unchecked() if skipped_checks and not self.is_checked else self.now
        before = self.last.reflected if self.is_same_schema else UNKNOWN
        learned = dataclasses.replace(learned, reflected=reflected or before)
        return "" if learned == self.last else str(learned)


class Code:
    """What the code of this process needs: a digest of each part, and the apps that bring migrations.

    `read` are the names of settings (True) and of the environment's variables (False) that migrations mention.
    """

    def __init__(
        self, schema: bytes, receivers: bytes, app_labels: tuple[str, ...], read: Collection[tuple[str, bool]] = ()
    ) -> None:
        self.schema = schema
        self.receivers = receivers
        self.app_labels = app_labels
        self._read = sorted(read)

    def values_read(self) -> list[str]:
        """Return what the settings and variables say that the migrations mention."""
        return [_setting(name) if is_setting else _variable(name) for name, is_setting in self._read]

    def fingerprint(self, recorded: Iterable[Node]) -> Fingerprint:
        """Return the hashes of the code and the recorded rows together."""
        whole = hashlib.blake2b(self.schema, digest_size=16)
        for app_label, name in recorded:
            _add(whole, app_label, name)
        checks = hashlib.blake2b(self.receivers, digest_size=4)
        _add(checks, get_settings().release)
        return Fingerprint(whole.hexdigest(), self.receivers.hex(), checks.hexdigest())


def read_code(database: str) -> Code | None:
    """Read everything that a comparison on this alias depends on, save the rows; None if it cannot be read."""
    try:
        return _read(database)
    except Exception as error:  # noqa: BLE001 # it only saves time: whatever goes wrong in it, the long way is right
        logger.debug("There is no fingerprint: %s: %s", type(error).__name__, error)
        return None


def _read(database: str) -> Code:
    schema = hashlib.blake2b(digest_size=32)
    # Names of permissions may be translated, and who asks may speak another language each time.
    with override(None):
        _add(schema, *_versions(), *_settings(), *_models(), *_answers(database))
    modules, heard = Modules(), hashlib.blake2b(digest_size=8)
    own, others = Imports(modules, with_mentions=True), Imports(modules, with_mentions=True)
    # Some register when their app's `management` is imported, which a run does and a probe does not.
    late, written = management_files(), False
    for path, package in late.items():
        is_others = not is_own_module(package)
        content = _followed(path, package, others if is_others else own)
        _add(heard if is_others else schema, content)
        # What is empty registers nobody, and is written in many a project.
        written = written or (is_others and bool(content.strip()))
    for receiver in receivers():
        is_others = not is_own(receiver)
        for name, path, package in sources_of(receiver):
            if path not in late:
                _add(heard if is_others else schema, name, _followed(path, package, others if is_others else own))
                written = written or is_others
    _add_mentions(schema, own)
    imports, read = Imports(modules), set[tuple[str, bool]]()
    labels = _add_migrations(schema, imports, read)
    _add_found(schema, own, imports)
    if not written:
        return Code(schema.digest(), bytes(heard.digest_size), tuple(labels), read)
    read_by_others = Imports(modules)
    _add(heard, get_settings().release, *distributions(), *project_code(read_by_others))
    # Whoever names no setting means all of them only where a receiver is known to do that.
    others.settings |= read_by_others.settings
    others.variables |= read_by_others.variables
    _add_mentions(heard, others)
    _add_found(heard, others, read_by_others)
    return Code(schema.digest(), heard.digest(), tuple(labels), read)


def _add_mentions(whole: Any, imports: Imports) -> None:
    mentioned = filter(str.isupper, dir(settings)) if imports.unnamed else imports.settings
    _add(whole, *map(_setting, sorted(mentioned)), *map(_variable, sorted(imports.variables)))


def _add_found(whole: Any, *imports: Imports) -> None:
    for name, digest in sorted({name: digest for found in imports for name, digest in found.found.items()}.items()):
        _add(whole, name, digest)


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
    yield from (django.get_version(), version.__version__, str(sys.version_info))


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
    """What the routers say of every app and model, and by what they tell tenants from the schema that these share."""
    if tenancy_of(database) is not None:
        yield from map(_setting, TENANTS)
    if router.routers:
        yield repr([router.allow_migrate(database, config.label) for config in apps.get_app_configs()])
        models = apps.get_models(include_auto_created=True, include_swapped=True)
        yield repr([router.allow_migrate_model(database, model) for model in models])


def _followed(path: Path, package: str, imports: Imports) -> bytes:
    """Read a file, and follow its imports unless it was installed: its neighbours change with its own version."""
    content = read(path)
    if INSTALLED.isdisjoint(path.parts):
        imports.follow(content, package)
    else:
        imports.mention_own(content, package)
    return content


def _add_migrations(whole: Any, imports: Imports, read: set[tuple[str, bool]]) -> list[str]:
    """Add the files of all migrations; return the labels of the apps that have any, and leave in `read` what they read.

    That is for their functions as a rule, and changes nothing of what is pending.
    """
    labels, mentioned = [], set()
    for config in sorted(apps.get_app_configs(), key=lambda config: config.label):
        _add(whole, config.label, config.name)
        folder = migrations_of(config)
        if folder is None:
            _add(whole, "no migrations")
            continue
        mentioned |= folder.settings
        read |= folder.mentions
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
