"""Indexes made and built anew, and the commands that write whole tables anew."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from auto_migrate.changes.change import Change, CreateIndex, LockTable, Reindex, RewriteTable
from auto_migrate.changes.sql.catalog import Catalog
from auto_migrate.changes.sql.nodes import name_of, option
from auto_migrate.changes.verbs import Rewrite
from auto_migrate.databases.lock_modes import LockMode


def create_index(statement: Any, known: Catalog) -> Iterator[Change]:
    columns = tuple(element.name for element in statement.indexParams or () if element.name)
    # As PostgreSQL names what nobody named (ChooseIndexName).
    name = statement.idxname or "_".join([statement.relation.relname, *(columns or ("expr",)), "idx"])
    yield CreateIndex(
        **known.place(statement.relation),
        name=name,
        columns=columns,
        unique=bool(statement.unique),
        nulls_distinct=not statement.nulls_not_distinct,
        concurrently=bool(statement.concurrent),
    )


def reindex(statement: Any, known: Catalog) -> Iterator[Change]:
    """Return the table whose indexes are built anew; nobody can list those of a schema or a database."""
    alone = option(statement.params, "concurrently")
    if statement.relation is None:
        yield Reindex(table="", concurrently=alone)
    elif statement.kind.name == "REINDEX_OBJECT_INDEX":
        table = known.table_of_index(name_of(statement.relation))
        yield Reindex(**known.placed(table), concurrently=alone)
    else:
        yield Reindex(**known.place(statement.relation), concurrently=alone)


def cluster(statement: Any, known: Catalog) -> Iterator[Change]:
    place = known.place(statement.relation) if statement.relation else known.placed("")
    yield RewriteTable(**place, command=Rewrite.CLUSTER)


def vacuum(statement: Any, known: Catalog) -> Iterator[Change]:
    """Return the tables that `VACUUM FULL` writes anew, or that a plain one works on beside everybody."""
    if not statement.is_vacuumcmd:
        return
    for relation in statement.rels or (None,):
        place = known.place(relation.relation) if relation and relation.relation else known.placed("")
        if option(statement.options, "full"):
            yield RewriteTable(**place, command=Rewrite.VACUUM_FULL)
        else:
            yield LockTable(**place, mode=LockMode.SHARE_UPDATE_EXCLUSIVE, reason="VACUUM", concurrently=True)


def refresh(statement: Any, known: Catalog) -> Iterator[Change]:
    """Return the view that nobody can read until it is filled anew."""
    if not statement.concurrent:
        yield RewriteTable(**known.place(statement.relation), command=Rewrite.REFRESH)
