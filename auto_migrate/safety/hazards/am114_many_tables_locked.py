"""AM114: one migration locks several tables that are in use, and keeps them all until it commits."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.migrations.operations import RunSQL
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate.changes.change import Change
from auto_migrate.changes.new_objects import NewObjects
from auto_migrate.changes.reading import OperationChanges
from auto_migrate.databases.lock_modes import LockMode
from auto_migrate.phases.classify import ClassifiedMigration
from auto_migrate.safety.effects import Effect, effects
from auto_migrate.safety.hazard import Found, Harm, Hazard, ServerFacts, Site

# The two tables of a foreign key are one matter, and two matters of one feature often come in one migration.
SEVERAL = 3


class ManyTablesLocked(Hazard):
    code = "AM114"
    slug = "many-tables-locked"
    title = gettext_noop("One migration locks several tables until it commits")
    harm = Harm.RISKS

    def look(self, migration: ClassifiedMigration, server: ServerFacts, new: NewObjects) -> Iterator[Found]:
        """Return the tables of a migration together, if they are several."""
        if not migration.migration.atomic:
            return
        tables = list(dict.fromkeys(locked(migration, server, new)))
        if len(tables) < SEVERAL:
            return
        problem = _(
            "{migration} needs locks on {tables}, all at once, and whoever uses any of them waits until all is done. "
            "Write one migration for each table: each then waits for its own table, and holds only that."
        )
        yield Found(
            tables[0], problem.format(migration=migration.key, tables=", ".join(tables)), others=tuple(tables[1:])
        )

    def found(self, _change: Change, _site: Site) -> Iterator[Found]:
        """Find nothing in a change alone."""
        return iter(())


def locked(migration: ClassifiedMigration, server: ServerFacts, new: NewObjects) -> Iterator[str]:
    """Name the tables that were there before and that operations are about, not those that keys lock besides."""
    new = new.copy()
    for operation in migration.operations:
        for change in matters(operation):
            if change.table not in new.tables and any(stops(effect) for effect in effects(change, server)[:1]):
                yield change.table
        for change in operation.changes:
            new.follow(change)


def matters(operation: OperationChanges) -> tuple[Change, ...]:
    """Return what an operation is about: one table if it is Django's, all that its statements are about if SQL."""
    return operation.changes if isinstance(operation.operation, RunSQL) else operation.changes[:1]


def stops(effect: Effect) -> bool:
    """Return whether all traffic of a table stops, or writes stop for work that grows with it."""
    return effect.mode is LockMode.ACCESS_EXCLUSIVE or effect.holds_up
