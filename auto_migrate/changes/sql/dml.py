"""Rows that statements write, those within `WITH` included, and whether a statement says how many at most."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.utils.translation import gettext as _

from auto_migrate.changes.change import Change, CreateTable, DataChange, OpaqueChange
from auto_migrate.changes.python.texts import HOLE
from auto_migrate.changes.sql.catalog import Catalog
from auto_migrate.changes.sql.column_definitions import function_is_volatile, functions_in
from auto_migrate.changes.sql.nodes import conjuncts, kind, name_of, within, words_of_column
from auto_migrate.changes.sql.table_statements import is_temporary
from auto_migrate.changes.verbs import DataVerb

VERBS = {
    "DeleteStmt": DataVerb.DELETE,
    "InsertStmt": DataVerb.INSERT,
    "MergeStmt": DataVerb.MERGE,
    "UpdateStmt": DataVerb.UPDATE,
}
# Names that primary keys have, where no database can be asked.
KEYS = frozenset({"ctid", "id", "pk", "uuid"})
# More rows than this at once are as good as all.
MANY = 10_000
# Functions that write, but no rows of tables.
HARMLESS = frozenset(
    {
        "clock_timestamp", "currval", "gen_random_uuid", "lastval", "nextval", "pg_advisory_lock",
        "pg_advisory_unlock", "pg_advisory_xact_lock", "pg_get_serial_sequence", "pg_notify", "pg_sleep",
        "pg_try_advisory_lock", "pg_try_advisory_xact_lock", "random", "set_config", "setseed", "setval",
    }
)  # fmt: skip
AGGREGATES = frozenset({"array_agg", "avg", "bool_and", "bool_or", "count", "max", "min", "string_agg", "sum"})


def write(statement: Any, known: Catalog) -> Iterator[Change]:
    """Return the rows that a statement writes, or a query if it does more than ask."""
    for node in within(statement):
        name = kind(node)
        if name in VERBS:
            bounded = BOUNDS[name](node, limited_tables(statement), known)
            verb = DataVerb.DELETE if name == "MergeStmt" and merge_deletes(node) else VERBS[name]
            reads = tables_read(node, statement) - {name_of(node.relation)}
            yield DataChange(**known.place(node.relation), verb=verb, bounded=bounded, reads=tuple(sorted(reads)))
        elif name == "SelectStmt" and node.intoClause:
            relation = node.intoClause.rel
            yield CreateTable(**known.place(relation), unsure=is_temporary(relation))
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


def limited_tables(statement: Any) -> frozenset[str]:
    """Name the parts of `WITH` that have a limit."""
    parts = [node for node in within(statement) if kind(node) == "CommonTableExpr"]
    return frozenset(part.ctename for part in parts if has_limit(part.ctequery, frozenset()))


def has_limit(query: Any, limited: frozenset[str]) -> bool:
    """Return whether a query has a limit of its own, or reads nothing but what has one."""
    if kind(query) != "SelectStmt":
        return False
    if query.limitCount is not None and not getattr(query.limitCount, "isnull", False):
        written = integer(query.limitCount)
        return written is None or written <= MANY
    return bool(query.fromClause) and all(from_limited(item, limited) for item in query.fromClause)


def from_limited(item: Any, limited: frozenset[str]) -> bool:
    """Return whether something that is read from has a limit."""
    if kind(item) == "RangeSubselect":
        return has_limit(item.subquery, limited)
    return kind(item) == "RangeVar" and name_of(item) in limited


def insert_bounded(statement: Any, limited: frozenset[str], _known: Catalog) -> bool:
    """Return whether the rows are given one by one, or come from a query with a limit or without any table."""
    query = statement.selectStmt
    if query is None or query.valuesLists or (not query.fromClause and not query.larg):
        return True
    return has_limit(query, limited)


def change_bounded(statement: Any, limited: frozenset[str], known: Catalog) -> bool:
    """Return whether a part of the condition names single rows by their key."""
    table, own = name_of(statement.relation), names_of(statement.relation)
    others = getattr(statement, "fromClause", None) or getattr(statement, "usingClause", None) or ()
    joined = any(from_limited(item, limited) for item in others)

    def is_key(node: Any) -> bool:
        if kind(node) != "ColumnRef" or table_of(node) not in own:
            return False
        name = words_of_column(node)
        there = known.column(table, name)
        return name == "ctid" or (there.unique if there else name in KEYS)

    return any(bounds(part, is_key, limited, joined) for part in conjuncts(statement.whereClause))


def names_of(relation: Any) -> frozenset[str]:
    """Return the names by which columns may say that they are of a table; none is one of them."""
    return frozenset({relation.alias.aliasname if relation.alias else relation.relname, "", HOLE})


def table_of(reference: Any) -> str:
    """Return the table or alias that a column's name begins with, nothing where it has none."""
    return str(getattr(reference.fields[-2], "sval", "")) if len(reference.fields) > 1 else ""


def bounds(part: Any, is_key: Callable[[Any], bool], limited: frozenset[str], joined: bool) -> bool:
    """Return whether one condition names single rows."""
    if kind(part) == "CurrentOfExpr":
        return True
    if kind(part) == "SubLink":
        return is_key(part.testexpr) and part.subLinkType.name == "ANY_SUBLINK" and has_limit(part.subselect, limited)
    if kind(part) != "A_Expr":
        return False
    left, right = part.lexpr, part.rexpr
    if part.kind.name == "AEXPR_OP" and part.name[-1].sval == "=":
        pairs = [(left, right), (right, left)]
        return any(is_key(one) and (joined or is_single(other)) for one, other in pairs)
    if part.kind.name == "AEXPR_OP_ANY" and part.name[-1].sval == "=":
        return is_key(left) and (all_limited(right, limited))
    names_keys = part.kind.name == "AEXPR_IN" and part.name[-1].sval != "<>"
    return (names_keys or (part.kind.name == "AEXPR_BETWEEN" and is_short(*right))) and is_key(left)


def is_short(lowest: Any, highest: Any) -> bool:
    """Return whether a range of whole numbers is written out and has not many of them."""
    first, last = integer(lowest), integer(highest)
    return first is not None and last is not None and last - first <= MANY


def integer(node: Any) -> int | None:
    """Return the whole number that is written, None where it is something else or PostgreSQL's `bigint`."""
    return getattr(getattr(node, "val", None), "ival", None) if kind(node) == "A_Const" else None


def is_single(node: Any) -> bool:
    """Return whether an expression is one value for the whole statement."""
    if kind(node) == "SubLink":
        return not is_correlated(node.subselect)
    columns = (words_of_column(found) for found in within(node) if kind(found) == "ColumnRef")
    return all(column == HOLE for column in columns)


def is_correlated(query: Any) -> bool:
    """Return whether a subquery says by its name that a column is of a table around it."""
    parts = list(within(query))
    own = {name for found in parts if kind(found) == "RangeVar" for name in names_of(found)} | {"", HOLE}
    own |= {found.aliasname for found in parts if kind(found) == "Alias"}
    return any(table_of(found) not in own for found in parts if kind(found) == "ColumnRef")


def all_limited(array: Any, limited: frozenset[str]) -> bool:
    """Return whether an array is written out, or collected from a query with a limit."""
    if kind(array) == "SubLink":
        return has_limit(array.subselect, limited)
    return kind(array) in {"A_ArrayExpr", "A_Const", "ParamRef", "TypeCast"}


def merge_deletes(statement: Any) -> bool:
    """Return whether one of the clauses of `MERGE` deletes."""
    return any(clause.commandType.name == "CMD_DELETE" for clause in statement.mergeWhenClauses)


def merge_bounded(_statement: Any, _limited: frozenset[str], _known: Catalog) -> bool:
    return False


BOUNDS: dict[str, Callable[[Any, frozenset[str], Catalog], bool]] = {
    "DeleteStmt": change_bounded,
    "InsertStmt": insert_bounded,
    "MergeStmt": merge_bounded,
    "UpdateStmt": change_bounded,
}
