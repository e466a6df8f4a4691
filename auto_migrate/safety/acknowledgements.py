"""How somebody says that a hazard is known and wanted: in the migration, in the settings, or on the command line."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

from django.db.migrations.migration import Migration
from django.utils.translation import gettext as _

from auto_migrate.conf import HAZARD_CODE
from auto_migrate.exceptions import UsageError
from auto_migrate.findings import Acknowledgement, Finding
from auto_migrate.values import MigrationKey

CODE = re.compile(HAZARD_CODE)
PLAN = re.compile("[0-9a-f]{4,}")
# The hazard of a table that is copied, which only MySQL and MariaDB themselves may know of, while it is carried out.
COPIED = "AM103"
# The attribute that the decorator writes.
DECORATED = "auto_migrate_acknowledged"


class acknowledge:  # noqa: N801 # it is read as a verb: `@acknowledge("AM301", reason="…")`
    """Acknowledge hazards of one migration, as an attribute of its class or as a decorator of it.

    ::

        @auto_migrate.acknowledge("AM301", reason="Nobody reads it since release 41.")
        class Migration(migrations.Migration):
            known_lock = auto_migrate.acknowledge("AM109", reason="The table is read once a day.")
    """

    def __init__(self, *codes: str, reason: str) -> None:
        if not codes or not all(CODE.fullmatch(code) for code in codes):
            raise ValueError(f"acknowledge() takes codes such as AM109, not {codes!r}.")
        if not reason.strip():
            raise ValueError(f"acknowledge({', '.join(map(repr, codes))}) needs a reason.")
        self.codes = codes
        self.reason = reason.strip()

    def __call__(self, migration: type[Migration]) -> type[Migration]:
        """Decorate the class of a migration."""
        setattr(migration, DECORATED, (*getattr(migration, DECORATED, ()), self))
        return migration


def of_migration(migration: Migration) -> Iterator[Acknowledgement]:
    """Return what a migration's own class acknowledges."""
    for value in vars(type(migration)).values():
        for item in value if isinstance(value, list | tuple) else [value]:
            if isinstance(item, acknowledge):
                name = f"{migration.app_label}.{migration.name}"
                yield from (Acknowledgement(code, name, item.reason, "migration") for code in item.codes)


def of_settings(configured: Mapping[str, str]) -> Iterator[Acknowledgement]:
    """Return what the setting `ACKNOWLEDGE` says, a dict of `CODE:MIGRATION` and reason."""
    for key, reason in configured.items():
        code, _colon, migration = key.partition(":")
        yield Acknowledgement(code, migration, reason, "settings")


def of_text(text: str) -> Acknowledgement:
    """Read `CODE:MIGRATION[@PLAN][=REASON]` of a command line; raise `UsageError` for what is none.

    `PLAN` is the fingerprint of the only plan that is meant, or its first digits, four at least.
    """
    name, _equals, reason = text.partition("=")
    code, _colon, migration = name.partition(":")
    migration, at, plan = migration.partition("@")
    if not CODE.fullmatch(code) or "." not in migration or (at and not PLAN.fullmatch(plan)):
        raise UsageError(
            _("--acknowledge takes CODE:MIGRATION, not {text!r}.").format(text=text),
            hint=_("For example: --acknowledge AM301:shop.0007_drop_note"),
        )
    return Acknowledgement(code, migration, reason.strip() or _("without a reason"), "command line", plan)


def acknowledged(
    findings: Iterable[Finding], acknowledgements: Sequence[Acknowledgement]
) -> tuple[tuple[Finding, ...], frozenset[Acknowledgement]]:
    """Return the findings with the reasons that somebody gave, and the acknowledgements that were of use."""
    marked, used = [], set()
    for finding in findings:
        matching = [one for one in acknowledgements if matches(one, finding)]
        used.update(matching)
        marked.append(dataclasses.replace(finding, acknowledged=matching[0].reason) if matching else finding)
    return tuple(marked), frozenset(used)


def is_for_server(acknowledgement: Acknowledgement, vendor: str, migrations: Iterable[MigrationKey]) -> bool:
    """Return whether an acknowledgement is of what only the server finds, in one of the migrations of a plan."""
    named = (is_of(acknowledgement, migration) for migration in migrations)
    return vendor == "mysql" and acknowledgement.code == COPIED and any(named)


def is_of(acknowledgement: Acknowledgement, migration: MigrationKey) -> bool:
    """Return whether an acknowledgement is of a migration, which it may name by a pattern."""
    return fnmatchcase(str(migration), acknowledgement.migration)


def matches(acknowledgement: Acknowledgement, finding: Finding) -> bool:
    """Return whether an acknowledgement means a finding."""
    return acknowledgement.code == finding.code and is_of(acknowledgement, finding.migration)
