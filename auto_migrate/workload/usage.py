"""What a statement uses: which columns of which tables it reads, writes, and leaves out.

The text is read by PostgreSQL's own parser where that is installed (pglast). Without it, and where a text is none of
PostgreSQL's, every name that stands in the text counts as used: nothing is called unused that may be used.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable
from typing import Any

from auto_migrate.changes.sql.nodes import kind, name_of, within
from auto_migrate.changes.sql.parsing import parse
from auto_migrate.workload.statement import RecordedStatement

# All columns of a table.
EVERY = "*"

Columns = Callable[[str], frozenset[str] | None]
"""Returns the columns of a table, None where they are not known."""

NAME = re.compile(r'"(?:[^"]|"")*"|[\w$]+')
WRITES = re.compile(r"[\s(]*(INSERT|UPDATE|MERGE|WITH)\b", re.IGNORECASE)
INSERT = re.compile(r'[\s(]*INSERT\s+INTO\s+(?:(?:"[^"]*"|[\w$]+)\.)?("[^"]*"|[\w$]+)', re.IGNORECASE)


@dataclasses.dataclass
class Usage:
    """What one statement uses. `reads` and `writes` are pairs of table and column, `*` for all of a table.

    `inserts` has for each table that gets rows the columns that are named, `*` among them for all, and `parameters` for
    each column that is written the numbers of those that it is written from, 0 for anything else. In what was only
    `guessed` from the text, `words` are all its names, and every one of them counts as read and written.
    """

    tables: set[str] = dataclasses.field(default_factory=set)
    reads: set[tuple[str, str]] = dataclasses.field(default_factory=set)
    writes: set[tuple[str, str]] = dataclasses.field(default_factory=set)
    inserts: dict[str, set[str]] = dataclasses.field(default_factory=dict)
    parameters: dict[tuple[str, str], set[int]] = dataclasses.field(default_factory=dict)
    guessed: bool = False
    words: frozenset[str] = frozenset()

    def touches(self, table: str) -> bool:
        """Return whether it has to do with a table."""
        if self.guessed:
            return bare(table).rpartition(".")[2] in self.words
        return any(is_same(used, table) for used in self.tables)

    def reads_column(self, table: str, column: str) -> bool:
        """Return whether it reads a column, by its name or with all others."""
        return self._names(self.reads, table, column)

    def writes_column(self, table: str, column: str) -> bool:
        """Return whether it writes a column that it names, or all of them."""
        return self._names(self.writes, table, column)

    def names_column(self, table: str, column: str) -> bool:
        """Return whether it reads or writes a column."""
        return self.reads_column(table, column) or self.writes_column(table, column)

    def leaves_out(self, table: str, column: str) -> bool:
        """Return whether it inserts rows without naming a column, so that the database has to fill it."""
        named = self.inserted(table)
        if named is None:
            return False
        return column not in self.words if self.guessed else not named & {column, EVERY}

    def inserted(self, table: str) -> set[str] | None:
        """Return the columns that are named of a table that gets rows, None of one that gets none."""
        return next((named for into, named in self.inserts.items() if is_same(into, table)), None)

    def writes_null(self, table: str, column: str, nulls: frozenset[int] | None) -> bool | None:
        """Return whether a column was given NULL by parameters that were (`nulls`), None where nobody can say."""
        found = [numbers for (own, name), numbers in self.parameters.items() if name == column and is_same(own, table)]
        sources = found[0] if found else {0}
        if nulls is None or 0 in sources - nulls:
            return True if nulls and sources & nulls else None
        return bool(sources & nulls)

    def _names(self, pairs: set[tuple[str, str]], table: str, column: str) -> bool:
        if self.guessed:
            own = {bare(table).rpartition(".")[2], column} <= self.words
            return own and (pairs is self.reads or bool(self.writes))
        return any(name in {column, EVERY} and is_same(used, table) for used, name in pairs)


def bare(table: str) -> str:
    """Return a table's name as statements are read: `public` goes without saying, and `db_table` needs no quotes."""
    name = table.replace('"."', ".").replace('"', "")
    return name.removeprefix("public.")


def is_same(used: str, table: str) -> bool:
    """Return whether a statement's table may be another: where one of both names no schema, it may be any."""
    table = bare(table)
    if used == table:
        return True
    return (used.rpartition(".")[2] == table.rpartition(".")[2]) and not ("." in used and "." in table)


def usage_of(statement: RecordedStatement, columns: Columns) -> Usage:
    """Return what a statement uses; `columns` tells whose a name is that has no table before it."""
    try:
        import pglast  # noqa: F401 - only asked whether it is there
        from pglast.parser import ParseError
    except ImportError:
        return guessed(statement.text)
    usage = Usage()
    if "\0" in statement.text:
        # The parser is C's, for which a text ends there.
        return guessed(statement.text)
    try:
        for raw in parse(statement.text):
            UsageReader(usage, columns).read(raw.stmt, NameScope())
    except (ParseError, UnicodeError, RecursionError, ValueError):
        return guessed(statement.text)
    return usage


def guessed(text: str) -> Usage:
    """Return what a statement may use, told by the names that stand in it."""
    words = {word[1:-1].replace('""', '"') if word.startswith('"') else word for word in NAME.findall(text)}
    words |= {word.lower() for word in words}
    found = Usage(guessed=True, words=frozenset(words))
    if WRITES.match(text):
        found.writes.add(("", EVERY))
    if into := INSERT.match(text):
        found.inserts[into[1].strip('"')] = set()
    return found


class NameScope:
    """The names that stand for tables at one place of a statement: a name → the table, None for what is none.

    `common` are the names of its common table expressions.
    """

    def __init__(self, parent: NameScope | None = None) -> None:
        self.parent = parent
        self.names: dict[str, str | None] = {}
        self.common: set[str] = set(parent.common) if parent else set()

    def tables(self) -> list[str]:
        """Return the tables themselves."""
        return [table for table in self.names.values() if table is not None]

    def named(self, name: str) -> tuple[bool, str | None]:
        """Return whether a name stands for something here or further out, and for which table."""
        scope: NameScope | None = self
        while scope is not None:
            if name in scope.names:
                return True, scope.names[name]
            scope = scope.parent
        return False, None


class UsageReader:
    """Follows a parsed statement and notes what it uses."""

    def __init__(self, usage: Usage, columns: Columns) -> None:
        self.usage = usage
        self.columns = columns

    def read(self, node: Any, scope: NameScope) -> None:
        """Read a node and all within it."""
        if isinstance(node, tuple):
            for one in node:
                self.read(one, scope)
        elif method := getattr(self, f"_{kind(node)}", None):
            method(node, scope)
        elif hasattr(node, "__slots__") and kind(node) != "Const":
            for name in node:
                self.read(getattr(node, name), scope)

    def _common(self, clause: Any, scope: NameScope) -> None:
        for expression in clause.ctes if clause else ():
            if clause.recursive:
                scope.common.add(expression.ctename)
            self.read(expression.ctequery, NameScope(scope))
            scope.common.add(expression.ctename)

    def _SelectStmt(self, node: Any, outer: NameScope) -> None:  # noqa: N802 # as the parser names it
        scope = NameScope(outer)
        self._common(node.withClause, scope)
        if node.larg:
            self.read(node.larg, scope)
            self.read(node.rarg, scope)
            return
        self.source(node.fromClause or (), scope)
        parts = ("distinctClause", "targetList", "whereClause", "groupClause", "havingClause", "windowClause")
        for part in (*parts, "valuesLists", "sortClause", "limitOffset", "limitCount"):
            self.read(getattr(node, part), scope)

    def source(self, node: Any, scope: NameScope) -> None:
        """Take in what a statement is about: tables, joins, subqueries, functions."""
        match kind(node):
            case "tuple":
                for one in node:
                    self.source(one, scope)
            case "RangeVar":
                self.table(node, scope)
            case "JoinExpr":
                self._join(node, scope)
            case "RangeTableSample":
                self.source(node.relation, scope)
            case "NoneType":
                pass
            case _:
                self.read(getattr(node, "subquery", None) or getattr(node, "functions", None) or (), scope)
                if node.alias:
                    scope.names[node.alias.aliasname] = None

    def table(self, relation: Any, scope: NameScope) -> str | None:
        """Note a table and the name that it has; give its own, None for a common table expression."""
        name = bare(name_of(relation))
        table = None if not relation.schemaname and relation.relname in scope.common else name
        scope.names[relation.alias.aliasname if relation.alias else relation.relname] = table
        if table is not None:
            self.usage.tables.add(table)
        return table

    def _join(self, node: Any, scope: NameScope) -> None:
        inner = NameScope(scope)
        self.source(node.larg, inner)
        self.source(node.rarg, inner)
        scope.names.update(inner.names)
        for column in node.usingClause or ():
            for table in inner.tables():
                if column.sval in (self.columns(table) or {column.sval}):
                    self.usage.reads.add((table, column.sval))
        if node.isNatural:
            self.usage.reads |= {(table, EVERY) for table in inner.tables()}
        self.read(node.quals, scope)
        if node.alias:
            scope.names[node.alias.aliasname] = None

    def _ColumnRef(self, node: Any, scope: NameScope) -> None:  # noqa: N802
        *path, last = [getattr(field, "sval", EVERY) for field in node.fields]
        if path:
            known, table = scope.named(path[-1])
            if table is not None:
                self.usage.reads.add((table, last))
            elif not known:
                self._unqualified(path[-1], scope)
        elif last == EVERY:
            self.usage.reads |= {(table, EVERY) for table in scope.tables()}
        else:
            self._unqualified(last, scope)

    def _unqualified(self, column: str, scope: NameScope) -> None:
        """Note a column for the innermost table that has it; where that is not known, for all that may."""
        inner: NameScope | None = scope
        while inner is not None:
            columns = {table: self.columns(table) for table in inner.tables()}
            having = [table for table, names in columns.items() if names is not None and column in names]
            if owners := having or [table for table, names in columns.items() if names is None]:
                self.usage.reads |= {(table, column) for table in owners}
            if column in inner.names and not having:
                # The row as a whole.
                table = inner.names[column]
                self.usage.reads |= {(table, EVERY)} if table is not None else set()
                return
            if owners:
                return
            inner = inner.parent

    def _InsertStmt(self, node: Any, outer: NameScope) -> None:  # noqa: N802
        scope = NameScope(outer)
        self._common(node.withClause, scope)
        self.read(node.selectStmt, scope)
        # What is inserted into is never a common table expression.
        scope.common.discard(node.relation.relname)
        table = str(self.table(node.relation, scope))
        named = {column.name for column in node.cols or ()} or ({EVERY} if node.selectStmt else set())
        self.usage.inserts[table] = self.usage.inserts.get(table, named) & named
        self.usage.writes |= {(table, name) for name in named}
        self._values(node, table)
        if conflict := node.onConflictClause:
            scope.names["excluded"] = None
            self._assign(conflict.targetList, table, scope)
            self.read(conflict.whereClause, scope)
            self.read(conflict.infer, scope)
            for element in within(conflict.infer):
                if kind(element) == "IndexElem" and element.name:
                    self.usage.reads.add((table, element.name))
        self._returning(node, scope)

    def _UpdateStmt(self, node: Any, outer: NameScope) -> None:  # noqa: N802
        scope = NameScope(outer)
        self._common(node.withClause, scope)
        table = str(self.table(node.relation, scope))
        self.source(node.fromClause or (), scope)
        self._assign(node.targetList, table, scope)
        self.read(node.whereClause, scope)
        self._returning(node, scope)

    def _DeleteStmt(self, node: Any, outer: NameScope) -> None:  # noqa: N802
        scope = NameScope(outer)
        self._common(node.withClause, scope)
        self.table(node.relation, scope)
        self.source(node.usingClause or (), scope)
        self.read(node.whereClause, scope)
        self._returning(node, scope)

    def _MergeStmt(self, node: Any, outer: NameScope) -> None:  # noqa: N802
        scope = NameScope(outer)
        self._common(node.withClause, scope)
        table = str(self.table(node.relation, scope))
        self.source(node.sourceRelation, scope)
        self.read(node.joinCondition, scope)
        for clause in node.mergeWhenClauses or ():
            self.read(clause.condition, scope)
            self.read(clause.values, scope)
            if clause.commandType.name == "CMD_INSERT":
                named = {column.name for column in clause.targetList or ()} or {EVERY}
                self.usage.inserts[table] = self.usage.inserts.get(table, named) & named
            self._assign(clause.targetList, table, scope)
        self._returning(node, scope)

    def _CopyStmt(self, node: Any, outer: NameScope) -> None:  # noqa: N802
        if node.query:
            self.read(node.query, outer)
            return
        table = str(self.table(node.relation, NameScope(outer)))
        named = {column.sval for column in node.attlist or ()} or {EVERY}
        pairs = {(table, name) for name in named}
        if node.is_from:
            self.usage.writes |= pairs
            self.usage.inserts[table] = named
        else:
            self.usage.reads |= pairs

    def _RangeVar(self, node: Any, scope: NameScope) -> None:  # noqa: N802
        self.table(node, NameScope(scope))

    def _values(self, node: Any, table: str) -> None:
        """Note which parameters the columns of an INSERT are given."""
        rows: list[Any] = list(getattr(node.selectStmt, "valuesLists", None) or ())
        # As Django sends many rows at once: SELECT * FROM UNNEST(($1)::integer[], ($2)::text[])
        for source in getattr(node.selectStmt, "fromClause", None) or ():
            rows += [
                call.args for call in within(source) if kind(call) == "FuncCall" and call.funcname[-1].sval == "unnest"
            ]
        for row in rows:
            for column, value in zip(node.cols or (), row, strict=False):
                self._given(table, column.name, value)

    def _given(self, table: str, column: str, value: Any) -> None:
        while kind(value) == "TypeCast":
            value = value.arg
        number = value.number if kind(value) == "ParamRef" else 0
        self.usage.parameters.setdefault((table, column), set()).add(number)

    def _assign(self, targets: Iterable[Any] | None, table: str, scope: NameScope) -> None:
        for target in targets or ():
            if target.name:
                self.usage.writes.add((table, target.name))
                self._given(table, target.name, target.val)
            self.read(target.val, scope)

    def _returning(self, node: Any, scope: NameScope) -> None:
        # A clause of its own from PostgreSQL 18's grammar on, a list before.
        self.read(getattr(node, "returningClause", None) or getattr(node, "returningList", None) or (), scope)
