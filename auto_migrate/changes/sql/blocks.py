"""Statements within statements: `DO` blocks, schemas made with their tables, and explained statements."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _

from auto_migrate.changes.change import Change, EndTransaction, OpaqueChange
from auto_migrate.changes.sql.masking import masked
from auto_migrate.changes.sql.nodes import kind, name_of, within
from auto_migrate.changes.sql.parsing import parse, refuse_depth
from auto_migrate.changes.sql.row_bounds import RowBounds
from auto_migrate.changes.verbs import Ending

QUERIES = {
    "PLpgSQL_stmt_execsql": "sqlstmt",
    "PLpgSQL_stmt_fors": "query",
    "PLpgSQL_stmt_perform": "expr",
    "PLpgSQL_stmt_call": "expr",
}
ENDINGS = {"PLpgSQL_stmt_commit": Ending.COMMIT, "PLpgSQL_stmt_rollback": Ending.ROLLBACK}
# What goes on for as long as there are rows; those over a written range or array are left out.
LOOPS = frozenset(
    {"PLpgSQL_stmt_dynfors", "PLpgSQL_stmt_forc", "PLpgSQL_stmt_fors", "PLpgSQL_stmt_loop", "PLpgSQL_stmt_while"}
)
# Whose rows are what the database has, and not what is in it.
CATALOGS = ("pg_", "information_schema.")
DYNAMIC = frozenset({"PLpgSQL_stmt_dynexecute", "PLpgSQL_stmt_dynfors"})


@dataclasses.dataclass(frozen=True)
class InBlock:
    """A statement in a block; `repeated` where it is in a loop, and nothing of that is kept before its end."""

    text: str
    repeated: bool


def texts_in_block(statement: Any, text: str) -> Iterator[InBlock | Change]:
    """Return the SQL within a `DO` block in its order, whether or not conditions let it run; raise as pglast does."""
    from pglast import parse_plpgsql

    languages = [option.arg.sval for option in statement.args if option.defname == "language"]
    if languages and languages[0].lower() != "plpgsql":
        reason = _("nobody reads code in {language}").format(language=languages[0])
        yield OpaqueChange(table="", text="DO …", reason=reason)
        return
    refuse_depth(text.replace("$", " "))
    for function in parse_plpgsql(text):
        yield from _queries(function)


def _queries(node: Any, *, repeated: bool = False) -> Iterator[InBlock | Change]:
    if isinstance(node, list):
        for inner in node:
            yield from _queries(inner, repeated=repeated)
    elif isinstance(node, dict):
        for name, inner in node.items():
            if name in QUERIES:
                yield InBlock(inner[QUERIES[name]]["PLpgSQL_expr"]["query"], repeated)
            elif name in ENDINGS:
                yield EndTransaction(table="", statement=ENDINGS[name], in_block=True)
            elif name in DYNAMIC:
                dynamic = _dynamic(inner["query"]["PLpgSQL_expr"]["query"])
                yield InBlock(dynamic, repeated) if isinstance(dynamic, str) else dynamic
            yield from _queries(inner, repeated=repeated or (name in LOOPS and _repeats(name, inner)))


def _repeats(name: str, loop: Any) -> bool:
    """Return whether a loop may go through as many rows as there are, all of them in one transaction."""
    if any(isinstance(one, EndTransaction) for one in _queries(loop.get("body"))):
        return False
    return name != "PLpgSQL_stmt_fors" or not _finds_few(loop["query"]["PLpgSQL_expr"]["query"])


def _finds_few(query: str) -> bool:
    """Return whether a query has a limit, or asks the catalog alone."""
    parsed = parse(query)[0].stmt
    tables = [name_of(found) for found in within(parsed) if kind(found) == "RangeVar"]
    return RowBounds.of(parsed).few(parsed) or all(table.startswith(CATALOGS) for table in tables)


def _dynamic(expression: str) -> str | OpaqueChange:
    """Return the text that `EXECUTE` is given, if it is written there."""
    query: Any = parse(f"SELECT {expression}")[0].stmt
    value = query.targetList[0].val
    if kind(value) == "A_Const" and hasattr(value.val, "sval"):
        return str(value.val.sval)
    return OpaqueChange(table="", text=f"EXECUTE {masked(expression)}", reason=_("its text is made only when it runs"))
