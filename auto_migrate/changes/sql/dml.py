"""Rows that statements write or lock, those within `WITH` included."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.utils.translation import gettext as _

from auto_migrate.changes.change import Change, CreateTable, DataChange, OpaqueChange
from auto_migrate.changes.sql.catalog import Catalog
from auto_migrate.changes.sql.column_definitions import function_is_volatile, functions_in
from auto_migrate.changes.sql.nodes import kind, name_of, within
from auto_migrate.changes.sql.row_bounds import AGGREGATES, RowBounds, flat, locking, names_of
from auto_migrate.changes.sql.table_statements import is_temporary
from auto_migrate.changes.verbs import DataVerb

VERBS = {
    "DeleteStmt": DataVerb.DELETE,
    "InsertStmt": DataVerb.INSERT,
    "MergeStmt": DataVerb.MERGE,
    "UpdateStmt": DataVerb.UPDATE,
}
# Functions that write, but no rows of tables.
HARMLESS = frozenset(
    {
        "clock_timestamp", "currval", "gen_random_uuid", "lastval", "nextval", "pg_advisory_lock",
        "pg_advisory_unlock", "pg_advisory_xact_lock", "pg_get_serial_sequence", "pg_notify", "pg_sleep",
        "pg_try_advisory_lock", "pg_try_advisory_xact_lock", "random", "set_config", "setseed", "setval",
    }
)  # fmt: skip


def write(statement: Any, known: Catalog) -> Iterator[Change]:
    """Return the rows that a statement writes or locks, and what it calls if it is a query."""
    bounds, nodes = RowBounds.of(statement, known), list(within(statement))
    written = {name_of(node.relation) for node in nodes if kind(node) in VERBS}
    for node in nodes:
        name = kind(node)
        if name in VERBS:
            bounded = BOUNDS[name](node, bounds)
            verb = DataVerb.DELETE if name == "MergeStmt" and merge_deletes(node) else VERBS[name]
            reads = tables_read(node, statement) - {name_of(node.relation)}
            yield DataChange(**known.place(node.relation), verb=verb, bounded=bounded, reads=tuple(sorted(reads)))
        elif name == "SelectStmt" and node.intoClause:
            relation = node.intoClause.rel
            yield CreateTable(**known.place(relation), unsure=is_temporary(relation))
        elif name == "SelectStmt":
            for relation in locking(node):
                # What is written is locked anyway.
                if name_of(relation) not in written | set(bounds.limited):
                    yield DataChange(**known.place(relation), verb=DataVerb.LOCK, bounded=bounds.few(node))
    if kind(statement) == "SelectStmt":
        yield from calls(statement, known)


def tables_read(node: Any, statement: Any) -> set[str]:
    """Name the tables that a part of a statement reads, and `WITH` for it."""
    parts = {part.ctename for part in within(statement) if kind(part) == "CommonTableExpr"}
    read = {name_of(found) for found in within(statement) if kind(found) == "RangeVar"}
    return read - parts


def calls(query: Any, known: Catalog) -> Iterator[Change]:
    """Return the functions that a query calls of which nobody knows what they do."""
    for function in dict.fromkeys(functions_in(query)):
        if function not in HARMLESS | AGGREGATES and function_is_volatile(function, known):
            yield doubted(function)


def doubted(function: str) -> OpaqueChange:
    """Return the change of a function that may do anything."""
    reason = _("{function} may do anything").format(function=function)
    return OpaqueChange(table="", text=f"{function}(…)", reason=reason)


def truncate(statement: Any, known: Catalog) -> Iterator[Change]:
    for relation in statement.relations:
        cascades = statement.behavior.name == "DROP_CASCADE"
        yield DataChange(**known.place(relation), verb=DataVerb.TRUNCATE, cascades=cascades)


def copy(statement: Any, known: Catalog) -> Iterator[Change]:
    if statement.is_from and statement.relation:
        yield DataChange(**known.place(statement.relation), verb=DataVerb.COPY)


def call(statement: Any, _known: Catalog) -> Iterator[Change]:
    yield from map(doubted, functions_in(statement.funccall))


def insert_bounded(statement: Any, bounds: RowBounds) -> bool:
    """Return whether the rows are given one by one, or come from a query that has few."""
    return statement.selectStmt is None or bounds.few(statement.selectStmt)


def change_bounded(statement: Any, bounds: RowBounds) -> bool:
    """Return whether a part of the condition names single rows by their key."""
    others = getattr(statement, "fromClause", None) or getattr(statement, "usingClause", None)
    items, conditions = flat(others, statement.whereClause)
    few = bounds.of_items(items, conditions)
    # Columns of theirs may be named without them.
    few |= dict.fromkeys([""] if few and len(few) == len(items) else (), 1)
    return bounds.names_rows(statement.relation, conditions, few, own=names_of(statement.relation))


def merge_deletes(statement: Any) -> bool:
    """Return whether one of the clauses of `MERGE` deletes."""
    return any(clause.commandType.name == "CMD_DELETE" for clause in statement.mergeWhenClauses)


def merge_bounded(_statement: Any, _bounds: RowBounds) -> bool:
    return False


BOUNDS: dict[str, Callable[[Any, RowBounds], bool]] = {
    "DeleteStmt": change_bounded,
    "InsertStmt": insert_bounded,
    "MergeStmt": merge_bounded,
    "UpdateStmt": change_bounded,
}
