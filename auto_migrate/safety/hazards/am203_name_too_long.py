"""AM203: a name is longer than PostgreSQL keeps names."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate.changes.change import (
    AddColumn,
    AddConstraint,
    Change,
    CreateIndex,
    CreateTable,
    RenameColumn,
    RenameTable,
)
from auto_migrate.changes.sql.names import is_too_long, truncated
from auto_migrate.safety.hazard import Found, Harm, Hazard, Site


class NameTooLong(Hazard):
    code = "AM203"
    slug = "name-too-long"
    title = gettext_noop("A name is longer than 63 bytes")
    harm = Harm.RISKS
    on_new_tables = True

    def found(self, change: Change, site: Site) -> Iterator[Found]:
        for name in new_names(change):
            if is_too_long(name):
                size = len(name.encode("utf-8", "replace"))
                problem = _(
                    "{name} has {size} bytes, and PostgreSQL keeps the first 63: {kept}. Another name that begins like "
                    "it is refused, and what looks for the whole name among those that are there does not find it."
                )
                yield Found(change.table, problem.format(name=name, size=size, kept=truncated(name)), truncated(name))


def new_names(change: Change) -> tuple[str, ...]:
    """Return the names that a change gives to something."""
    match change:
        case CreateTable(table=table, names=names):
            return (bare(table), *names)
        case RenameTable(to=to) | RenameColumn(to=to):
            return (bare(to),)
        case AddColumn(column=column):
            return (column,)
        case AddConstraint(name=name) | CreateIndex(name=name):
            return (name,)
    return ()


def bare(table: str) -> str:
    """Return a table's name without its schema, however that is written."""
    return table.rpartition('"."')[2] if '"."' in table else table.rpartition(".")[2]
