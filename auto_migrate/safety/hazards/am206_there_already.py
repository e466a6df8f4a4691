"""AM206: what a migration makes is in the database already."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate.changes.change import AddColumn, Change, CreateTable
from auto_migrate.changes.new_objects import NewObjects
from auto_migrate.changes.rights import spelled
from auto_migrate.phases.classify import ClassifiedMigration
from auto_migrate.planning.comparison import ADOPT
from auto_migrate.safety.hazard import EVERYWHERE, Found, Harm, Hazard, ServerFacts, Site

THERE_ALREADY = "AM206"


class ThereAlready(Hazard):
    code = THERE_ALREADY
    slug = "there-already"
    title = gettext_noop("What a migration makes is there already")
    harm = Harm.FAILS
    vendors = EVERYWHERE

    def look(self, migration: ClassifiedMigration, server: ServerFacts, new: NewObjects) -> Iterator[Found]:
        """Find all that a migration would make anew, in one; what it would make again by going back is for others."""
        there = {} if migration.backwards else {name_of(one): one for _by, one in migration.changes() if is_there(one)}
        if there:
            problem = _(
                "The database has {names} already, so that a run fails there. "
                "If it was applied and the record lacks it, see what can be recorded."
            )
            first = next(iter(there.values()))
            yield Found(first.table, problem.format(names=", ".join(there)), ADOPT)

    def found(self, change: Change, site: Site) -> Iterator[Found]:
        """Find nothing in a single change."""
        return iter(())


def is_there(change: Change) -> bool:
    """Return whether the database has what a change makes."""
    return isinstance(change, CreateTable | AddColumn) and change.is_there


def name_of(change: Change) -> str:
    """Name a table, or a column with its table."""
    table = spelled(change.table)
    return f"{table}.{change.column}" if isinstance(change, AddColumn) else table
