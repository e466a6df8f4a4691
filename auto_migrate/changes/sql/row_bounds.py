"""How many rows a statement reads or writes at most: by a limit, by keys that it names, or by what it counts out."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from auto_migrate.changes.python.texts import HOLE
from auto_migrate.changes.sql.catalog import Catalog
from auto_migrate.changes.sql.nodes import conjuncts, dotted, kind, name_of, within, words_of_column

# Names that primary keys have, where no database can be asked.
KEYS = frozenset({"ctid", "id", "pk", "uuid"})
# More rows than this at once are as good as all.
MANY = 10_000
AGGREGATES = frozenset({"array_agg", "avg", "bool_and", "bool_or", "count", "max", "min", "string_agg", "sum"})
# What makes rows out of one value, which is written in the statement or bound to it.
UNFOLDING = frozenset(
    {
        "json_array_elements", "json_array_elements_text", "json_each", "json_to_recordset", "jsonb_array_elements",
        "jsonb_array_elements_text", "jsonb_each", "jsonb_to_recordset", "regexp_split_to_table", "string_to_table",
        "unnest",
    }
)  # fmt: skip

# Alias → how many rows of it there are at most, of those for which anybody can tell.
Few = Mapping[str, int]


@dataclasses.dataclass(frozen=True)
class RowBounds:
    """What is known of one statement: how many rows the parts of its `WITH` have at most, and the catalogue, if any."""

    limited: Few
    known: Catalog | None = None

    @classmethod
    def of(cls, statement: Any, known: Catalog | None = None) -> RowBounds:
        """Return what is known of a statement, whose parts may build on those before them."""
        limited: dict[str, int] = {}
        for part in (node for node in within(statement) if kind(node) == "CommonTableExpr"):
            if (most := cls(limited, known).of_query(part.ctequery)) is not None:
                limited[part.ctename] = most
        return cls(limited, known)

    def few(self, query: Any) -> bool:
        """Return whether a query has no more rows than may be written at once."""
        most = self.of_query(query)
        return most is not None and most <= MANY

    def of_query(self, query: Any) -> int | None:
        """Return how many rows a query has at most, None if it may be any number."""
        if kind(query) != "SelectStmt":
            return None
        most = self._without_limit(query)
        if query.limitCount is None or getattr(query.limitCount, "isnull", False):
            return most
        written = integer(query.limitCount)
        # Whoever gives one when the statement is sent will not give a large one.
        return min(one for one in (most, written, MANY if written is None else None) if one is not None)

    def _without_limit(self, query: Any) -> int | None:
        if query.valuesLists:
            return len(query.valuesLists)
        if query.larg:
            sides = [self.of_query(query.larg), self.of_query(query.rarg)]
            return None if None in sides else sum(side for side in sides if side is not None)
        if not query.groupClause and any(is_aggregate(target.val) for target in query.targetList or ()):
            return 1
        items, conditions = flat(query.fromClause, query.whereClause)
        few = self.of_items(items, conditions, alone=len(items) == 1)
        made = [self._made_by(target.val) for target in query.targetList or () if kind(target.val) == "FuncCall"]
        if None in made or any(alias_of(item) not in few for item in items):
            return None
        return math.prod([*(few[alias_of(item)] for item in items), *(count for count in made if count is not None)])

    def of_items(self, items: Sequence[Any], conditions: Sequence[Any], *, alone: bool = False) -> dict[str, int]:
        """Return how many rows there are at most of each that is read from, where that can be told.

        `alone` tells that columns without a table's name are its own.
        """
        few: dict[str, int] = {}
        before = -1
        # One that is few makes few of what is joined to it by a key.
        while len(few) != before:
            before = len(few)
            for item in items:
                most = None if alias_of(item) in few else self._of_item(item, conditions, few, alone=alone)
                if most is not None:
                    few[alias_of(item)] = most
        return few

    def _of_item(self, item: Any, conditions: Sequence[Any], few: Few, *, alone: bool) -> int | None:
        own = names_of(item) if alone else names_of(item) - {""}
        match kind(item):
            case "RangeSubselect":
                return self.of_query(item.subquery)
            case "RangeFunction":
                made = [self._made_by(call) for call, *_rest in item.functions]
                return None if None in made else max(count for count in made if count is not None)
            case "RangeVar" if name_of(item) in self.limited:
                return self.limited[name_of(item)]
            case "RangeVar" if self.names_rows(item, conditions, few, own=own):
                return max(few.values(), default=1)
        return None

    def _made_by(self, call: Any) -> int | None:
        """Return how many rows a function makes at most; one that is not known to make any makes one."""
        name = dotted(call.funcname) if kind(call) == "FuncCall" else ""
        if name == "generate_series":
            first, last, *step = [integer(argument) for argument in call.args]
            if first is None or last is None or None in step:
                return None
            return max(0, (last - first) // (step[0] or 1) + 1) if step else max(0, last - first + 1)
        if name in UNFOLDING:
            return 1 if all(map(is_single, call.args)) else None
        return 1

    def names_rows(self, relation: Any, conditions: Sequence[Any], few: Few, own: frozenset[str]) -> bool:
        """Return whether a part of the condition names single rows of a table by their key.

        `own` are the names by which its columns may say that they are its own.
        """
        table = name_of(relation)

        def is_key(node: Any) -> bool:
            if kind(node) != "ColumnRef" or table_of(node) not in own:
                return False
            name = words_of_column(node)
            there = self.known.column(table, name) if self.known else None
            return name == "ctid" or (there.unique if there else name in KEYS)

        return any(self._names(part, is_key, few) for part in conditions)

    def _names(self, part: Any, is_key: Callable[[Any], bool], few: Few) -> bool:
        """Return whether one condition names single rows."""
        if kind(part) == "CurrentOfExpr":
            return True
        if kind(part) == "SubLink":
            return is_key(part.testexpr) and part.subLinkType.name == "ANY_SUBLINK" and self.few(part.subselect)
        if kind(part) != "A_Expr":
            return False
        left, right = part.lexpr, part.rexpr
        if part.kind.name == "AEXPR_OP" and part.name[-1].sval == "=":
            pairs = [(left, right), (right, left)]
            return any(is_key(one) and is_single(other, few) for one, other in pairs)
        if part.kind.name == "AEXPR_OP_ANY" and part.name[-1].sval == "=":
            return is_key(left) and self._all_few(right)
        names_keys = part.kind.name == "AEXPR_IN" and part.name[-1].sval != "<>"
        return (names_keys or (part.kind.name == "AEXPR_BETWEEN" and is_short(*right))) and is_key(left)

    def _all_few(self, array: Any) -> bool:
        """Return whether an array is written out, or collected from a query with few rows."""
        if kind(array) == "SubLink":
            return self.few(array.subselect)
        return kind(array) in {"A_ArrayExpr", "A_Const", "ParamRef", "TypeCast"}


def flat(from_clause: Any, where: Any) -> tuple[list[Any], list[Any]]:
    """Return what is read from, one by one, and the conditions that all of it has to meet."""
    items, conditions = list(from_clause or ()), list(conjuncts(where))
    for item in items:
        if kind(item) == "JoinExpr":
            items += [item.larg, item.rarg]
            # Another join than this keeps rows that do not meet its condition.
            conditions += conjuncts(item.quals) if item.jointype.name == "JOIN_INNER" else ()
    return [item for item in items if kind(item) != "JoinExpr"], conditions


def alias_of(item: Any) -> str:
    """Return the name by which columns say that they are of something that is read from."""
    if item.alias:
        return str(item.alias.aliasname)
    return str(item.relname) if kind(item) == "RangeVar" else f"unnamed {id(item)}"


def names_of(relation: Any) -> frozenset[str]:
    """Return the names by which columns may say that they are of a table; none is one of them."""
    return frozenset({alias_of(relation), "", HOLE})


def table_of(reference: Any) -> str:
    """Return the table or alias that a column's name begins with, nothing where it has none."""
    return str(getattr(reference.fields[-2], "sval", "")) if len(reference.fields) > 1 else ""


def is_aggregate(node: Any) -> bool:
    """Return whether a value is one for all rows of a query."""
    return kind(node) == "FuncCall" and node.over is None and dotted(node.funcname) in AGGREGATES


def is_short(lowest: Any, highest: Any) -> bool:
    """Return whether a range of whole numbers is written out and has not many of them."""
    first, last = integer(lowest), integer(highest)
    return first is not None and last is not None and last - first <= MANY


def integer(node: Any) -> int | None:
    """Return the whole number that is written, None where it is something else or PostgreSQL's `bigint`."""
    return getattr(getattr(node, "val", None), "ival", None) if kind(node) == "A_Const" else None


def is_single(node: Any, few: Few | None = None) -> bool:
    """Return whether an expression has one value for the whole statement, or one a row of what has few."""
    if kind(node) == "SubLink":
        return not is_correlated(node.subselect)
    columns = [found for found in within(node) if kind(found) == "ColumnRef" and words_of_column(found) != HOLE]
    return all(table_of(column) in (few or ()) for column in columns)


def is_correlated(query: Any) -> bool:
    """Return whether a subquery says by its name that a column is of a table around it."""
    parts = list(within(query))
    own = {name for found in parts if kind(found) == "RangeVar" for name in names_of(found)} | {"", HOLE}
    own |= {found.aliasname for found in parts if kind(found) == "Alias"}
    return any(table_of(found) not in own for found in parts if kind(found) == "ColumnRef")


def locking(query: Any) -> Iterator[Any]:
    """Return the tables whose rows a query locks."""
    items, _conditions = flat(query.fromClause, None)
    named = {name.relname for clause in query.lockingClause or () for name in clause.lockedRels or ()}
    if query.lockingClause:
        yield from (item for item in items if kind(item) == "RangeVar" and (not named or alias_of(item) in named))
