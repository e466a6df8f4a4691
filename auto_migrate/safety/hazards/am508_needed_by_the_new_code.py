"""AM508: what the new code needs is left for after the deploy."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate.changes.change import (
    AddColumn,
    AlterEnum,
    Change,
    CreateTable,
    DropNotNull,
    RenameColumn,
    RenameTable,
)
from auto_migrate.safety.hazard import EVERYWHERE, Found, Harm, Hazard, Site

BEFORE = """\
class Migration(migrations.Migration):
    phase = "pre_deploy"  # or none at all: what adds is for before the deploy by itself"""

MISSING: dict[type[Change], str] = {
    CreateTable: gettext_noop("The table {table} comes"),
    AddColumn: gettext_noop("The column {table}.{column} comes"),
    RenameTable: gettext_noop("The table {table} gets its new name {to}"),
    RenameColumn: gettext_noop("The column {table}.{column} gets its new name {to}"),
    DropNotNull: gettext_noop("The column {table}.{column} takes NULL"),
    AlterEnum: gettext_noop("The type {table} gets its value {value}"),
}


class NeededByTheNewCode(Hazard):
    code = "AM508"
    slug = "needed-by-the-new-code"
    title = gettext_noop("What the new code needs is left for after the deploy")
    harm = Harm.RISKS
    vendors = EVERYWHERE
    while_waiting = True

    def found(self, change: Change, site: Site) -> Iterator[Found]:
        if site.migration.decision.waits and site.migration.decision.declared and (missed := missing(change)):
            problem = _(
                "{what} only when the old code is gone, and the new code, which has it in its models, runs first."
            )
            yield Found(change.table, problem.format(what=missed), BEFORE)


def missing(change: Change) -> str:
    """Say what the new code does not find as long as a change waits; nothing if it can do without."""
    if (text := MISSING.get(type(change))) is None:
        return ""
    return _(text).format(**{name: getattr(change, name, "") for name in ("table", "column", "to", "value")})
