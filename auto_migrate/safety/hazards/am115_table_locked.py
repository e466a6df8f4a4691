"""AM115: a statement locks a table for something else than its own rows and columns."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate.changes.change import Change, LockTable
from auto_migrate.changes.sql.quoting import quoted_table
from auto_migrate.safety.effects import effects
from auto_migrate.safety.effects.effect import Blocks
from auto_migrate.safety.hazard import Found, Harm, Hazard, Site

DETACHED = "ALTER TABLE {table} DETACH PARTITION {partition} CONCURRENTLY  -- atomic = False"


class TableLocked(Hazard):
    code = "AM115"
    slug = "table-locked"
    title = gettext_noop("A statement locks a table until the migration commits")
    # It is over at once, however large the table is; what hurts is to wait for the lock, and to keep it.
    harm = Harm.RISKS

    def found(self, change: Change, site: Site) -> Iterator[Found]:
        if not isinstance(change, LockTable) or blocks(change, site) is Blocks.NOTHING:
            return
        first, *others = alike(change, site)
        if first is not change:
            return
        problem = (
            _("{reason} takes {mode} on {tables}: nobody writes there until the migration commits.")
            if blocks(change, site) is Blocks.WRITES
            else _("{reason} takes {mode} on {tables}: nobody reads or writes there until the migration commits.")
        )
        tables = ", ".join(dict.fromkeys(one.table for one in (first, *others)))
        text = problem.format(reason=change.reason, mode=change.mode.sql, tables=tables)
        advice = _("Give it a migration of its own, so that the lock is soon released.")
        instead = ""
        if change.reason == "DETACH PARTITION" and others:
            instead = DETACHED.format(table=quoted_table(change.table), partition=quoted_table(others[0].table))
        yield Found(change.table, f"{text} {advice}", instead, others=tuple(one.table for one in others))


def blocks(change: LockTable, site: Site) -> Blocks:
    """Return who waits for the lock."""
    return next((effect.blocks for effect in effects(change, site.server)), Blocks.NOTHING)


def alike(change: LockTable, site: Site) -> list[LockTable]:
    """Return the locks that the same migration takes for the same reason, which are one matter."""
    locks = [
        other
        for _operation, other in site.migration.changes()
        if isinstance(other, LockTable) and not site.is_new(other.table)
    ]
    return [other for other in locks if (other.reason, other.mode) == (change.reason, change.mode)]
