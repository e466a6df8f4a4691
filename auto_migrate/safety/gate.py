"""The gate in front of the plan: judged for the database it is about to change, and refused if it would hurt."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import filter as filter_names

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.state import ProjectState
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from auto_migrate.conf import get_settings
from auto_migrate.databases.base import Database
from auto_migrate.events import MigrationKey
from auto_migrate.exceptions import PlanRefused
from auto_migrate.findings import Acknowledgement, Assessment, Finding, Level
from auto_migrate.planning.comparison import Comparison
from auto_migrate.planning.phasing import Phaser
from auto_migrate.planning.reading import read_plan
from auto_migrate.safety.acknowledgements import of_settings
from auto_migrate.safety.assessment import assess
from auto_migrate.safety.hazard import Server
from auto_migrate.safety.live import Live


def assess_plan(
    database: Database,
    comparison: Comparison,
    state: ProjectState,
    *,
    given: Sequence[Acknowledgement] = (),
    with_sql: bool = False,
) -> Assessment:
    """Judge a plan for the database as it is now; `state` is that of the recorded migrations, and is used up."""
    phaser = Phaser(comparison.loader.graph, deferred=comparison.deferred)
    plan = list(read_plan(database.connection, comparison.plan, state, with_sql=with_sql, phaser=phaser))
    server = server_of(database.connection)
    return assess(
        plan,
        server,
        live=look(database),
        given=[*given, *configured(comparison.keys)],
    )


def configured(migrations: Iterable[MigrationKey]) -> list[Acknowledgement]:
    """Give what the settings acknowledge of these migrations."""
    names = list(map(str, migrations))
    return [said for said in of_settings(get_settings().ACKNOWLEDGE) if filter_names(names, said.migration)]


def server_of(connection: BaseDatabaseWrapper) -> Server:
    """Tell what carries out the plan."""
    return Server(connection.vendor, tuple(connection.get_database_version()))


def look(database: Database) -> Live | None:
    """Give the means to look at tables as they are, where the vendor tells."""
    return None if database.statistics is None else Live(database.statistics, get_settings().SMALL_TABLE)


def blocking_level() -> Level | None:
    """Give the level at and above which findings stop a plan, None if none does."""
    name = get_settings().BLOCK
    return None if name == "never" else Level(name)


def refused(blocking: Sequence[Finding]) -> PlanRefused:
    """Say that nothing was changed, and what to type next."""
    text = ngettext(
        "The plan is refused: {count} finding that nobody has acknowledged ({names}). Nothing was changed.",
        "The plan is refused: {count} findings that nobody has acknowledged ({names}). Nothing was changed.",
        len(blocking),
    )
    names = list(dict.fromkeys(f"{finding.code}:{finding.migration}" for finding in blocking))
    reason = _("reason")
    hint = _(
        "Look at it: manage.py auto_migrate --plan\n"
        "Write the migration as shown there. If it is wanted, say why, in the migration or once:\n"
        "manage.py auto_migrate {options}\n"
        "or, where the command cannot be changed: AUTO_MIGRATE_ACKNOWLEDGE='{variable}'"
    )
    return PlanRefused(
        text.format(count=len(blocking), names=", ".join(names)),
        hint=hint.format(
            options=" ".join(f"--acknowledge {name}" for name in names),
            variable=";".join(f"{name}={reason}" for name in names),
        ),
    )
