"""AM115: a statement locks a table for something else than its own rows and columns."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate.planning.changes import Change, LockTable
from auto_migrate.safety.effect import Blocks
from auto_migrate.safety.effects import effects
from auto_migrate.safety.hazard import Found, Harm, Hazard, Site

INSTEAD = {"DETACH PARTITION": "ALTER TABLE … DETACH PARTITION {table} CONCURRENTLY  -- atomic = False"}


class TableLocked(Hazard):
    code = "AM115"
    slug = "table-locked"
    title = gettext_noop("A statement locks a table until the migration commits")
    # It is over at once, however large the table is; what hurts is to wait for the lock, and to keep it.
    harm = Harm.RISKS

    def found(self, change: Change, site: Site) -> Iterator[Found]:
        if not isinstance(change, LockTable):
            return
        blocks = next((effect.blocks for effect in effects(change, site.server)), Blocks.NOTHING)
        if blocks is Blocks.NOTHING:
            return
        problem = (
            _("{reason} takes {mode} on {table}: nobody writes to it until the migration commits.")
            if blocks is Blocks.WRITES
            else _("{reason} takes {mode} on {table}: nobody reads or writes it until the migration commits.")
        )
        text = problem.format(reason=change.reason, mode=change.mode.sql, table=change.table)
        advice = _("Nobody sees it coming, so it may queue: give it a migration of its own, with nothing else in it.")
        yield Found(change.table, f"{text} {advice}", INSTEAD.get(change.reason, "").format(table=change.table))
