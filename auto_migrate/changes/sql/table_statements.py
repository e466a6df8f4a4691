"""Tables and what else has a name: made, dropped and renamed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _

from auto_migrate.changes.change import (
    Change,
    CreateTable,
    DropIndex,
    DropTable,
    LockTable,
    OpaqueChange,
    RenameColumn,
    RenameTable,
)
from auto_migrate.changes.sql import object_statements as objects
from auto_migrate.changes.sql.catalog import Catalog
from auto_migrate.changes.sql.nodes import dotted, kind, name_of, qualified, words
from auto_migrate.databases.lock_modes import LockMode


def create_table(statement: Any, known: Catalog) -> Iterator[Change]:
    """Return a new table and what it points to, or is a part of."""
    elements = statement.tableElts or ()
    constraints = [
        *(found for found in elements if kind(found) == "Constraint"),
        *(inner for found in elements if kind(found) == "ColumnDef" for inner in found.constraints or ()),
    ]
    table = name_of(statement.relation)
    references = {name_of(found.pktable): None for found in constraints if found.pktable}
    references.pop(table, None)
    names = [found.conname for found in constraints if found.conname]
    names += [found.colname for found in elements if kind(found) == "ColumnDef"]
    unsure = bool(statement.if_not_exists) or is_temporary(statement.relation)
    place = known.place(statement.relation)
    yield CreateTable(**place, references=tuple(references), names=tuple(names), unsure=unsure)
    for parent in statement.inhRelations or () if statement.partbound else ():
        yield LockTable(**known.place(parent), mode=LockMode.ACCESS_EXCLUSIVE, reason="PARTITION OF")


def create_foreign_table(statement: Any, known: Catalog) -> Iterator[Change]:
    return create_table(statement.base, known)


def create_table_as(statement: Any, known: Catalog) -> Iterator[Change]:
    """Return a new table, or a view that keeps its rows, filled from a query."""
    relation = statement.into.rel
    unsure = bool(statement.if_not_exists) or is_temporary(relation)
    yield CreateTable(**known.place(relation), unsure=unsure)


def is_temporary(relation: Any) -> bool:
    """Return whether a table is gone with the session, and only hides one of the same name until then."""
    return bool(relation.relpersistence == "t" or relation.schemaname == "pg_temp")


def drop(statement: Any, known: Catalog) -> Iterator[Change]:
    """Return what goes: tables and indexes; locks for what hangs on a table; what CASCADE takes along nobody knows."""
    what = statement.removeType.name.removeprefix("OBJECT_")
    cascades = statement.behavior.name == "DROP_CASCADE"
    for named in statement.objects:
        if what == "TABLE":
            table = dotted(named)
            yield DropTable(**known.placed(table), references=known.references(table), cascades=cascades)
        elif what == "INDEX":
            table = known.table_of_index(dotted(named))
            name, alone = words(named)[-1], bool(statement.concurrent)
            yield DropIndex(**known.placed(table), name=name, concurrently=alone)
        elif what in {"TRIGGER", "RULE", "POLICY"}:
            yield LockTable(**known.placed(dotted(named[:-1])), mode=LockMode.ACCESS_EXCLUSIVE, reason=f"DROP {what}")
        elif what == "SCHEMA":
            # Without CASCADE it only goes if nothing is in it.
            yield from [DropTable(table=f"{objects.named(named)}.*")] * cascades
        else:
            yield from objects.dropped(statement.removeType, named, cascades=cascades)
            if what not in HARMLESS_TO_DROP and cascades:
                text = f"DROP {what} {objects.named(named)} CASCADE"
                yield OpaqueChange(table="", text=text, reason=_("CASCADE may drop anything"))


def drop_owned(_statement: Any, _known: Catalog) -> Iterator[Change]:
    """Return all that a role owns, or a database has, tables among it."""
    yield DropTable(table="*")


# What holds no rows, and on what nothing hangs that does.
HARMLESS_TO_DROP = frozenset({"VIEW", "MATVIEW", "FOREIGN_TABLE"})


def rename(statement: Any, known: Catalog) -> Iterator[Change]:
    """Return another name of a table, a column, or whatever else queries name."""
    what = statement.renameType.name.removeprefix("OBJECT_")
    if what == "TABLE":
        place = known.place(statement.relation)
        yield RenameTable(**place, to=qualified(statement.relation.schemaname, statement.newname))
    elif what == "COLUMN" and statement.relationType.name == "OBJECT_TABLE":
        place = known.place(statement.relation)
        yield RenameColumn(**place, column=statement.subname, to=statement.newname)
    elif what in {"TRIGGER", "RULE", "POLICY"}:
        place = known.place(statement.relation)
        yield LockTable(**place, mode=LockMode.ACCESS_EXCLUSIVE, reason=f"ALTER {what}")
    elif what in {"COLUMN", "ATTRIBUTE"}:
        yield from objects.column_renamed(statement, known)
    else:
        yield from objects.renamed(statement, known)


def set_schema(statement: Any, known: Catalog) -> Iterator[Change]:
    """Return a table that moves to another schema."""
    if statement.objectType.name == "OBJECT_TABLE":
        place = known.place(statement.relation)
        yield RenameTable(**place, to=qualified(statement.newschema, statement.relation.relname))
    else:
        yield from objects.moved(statement, known)
