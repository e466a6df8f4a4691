"""Statements within statements: `DO` blocks, schemas made with their tables, and explained statements."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _

from auto_migrate.changes.change import Change, EndTransaction, OpaqueChange
from auto_migrate.changes.sql.masking import masked
from auto_migrate.changes.sql.nodes import kind
from auto_migrate.changes.verbs import Ending

QUERIES = {
    "PLpgSQL_stmt_execsql": "sqlstmt",
    "PLpgSQL_stmt_fors": "query",
    "PLpgSQL_stmt_perform": "expr",
    "PLpgSQL_stmt_call": "expr",
}
ENDINGS = {"PLpgSQL_stmt_commit": Ending.COMMIT, "PLpgSQL_stmt_rollback": Ending.ROLLBACK}
DYNAMIC = frozenset({"PLpgSQL_stmt_dynexecute", "PLpgSQL_stmt_dynfors"})


def texts_in_block(statement: Any, text: str) -> Iterator[str | Change]:
    """Return the SQL within a `DO` block in its order, whether or not conditions let it run; raise as pglast does."""
    from pglast import parse_plpgsql

    languages = [option.arg.sval for option in statement.args if option.defname == "language"]
    if languages and languages[0].lower() != "plpgsql":
        reason = _("nobody reads code in {language}").format(language=languages[0])
        yield OpaqueChange(table="", text="DO …", reason=reason)
        return
    for function in parse_plpgsql(text):
        yield from _queries(function)


def _queries(node: Any) -> Iterator[str | Change]:
    if isinstance(node, list):
        for inner in node:
            yield from _queries(inner)
    elif isinstance(node, dict):
        for name, inner in node.items():
            if name in QUERIES:
                yield inner[QUERIES[name]]["PLpgSQL_expr"]["query"]
            elif name in ENDINGS:
                yield EndTransaction(table="", statement=ENDINGS[name], in_block=True)
            elif name in DYNAMIC:
                yield _dynamic(inner["query"]["PLpgSQL_expr"]["query"])
            yield from _queries(inner)


def _dynamic(expression: str) -> str | OpaqueChange:
    """Return the text that `EXECUTE` is given, if it is written there."""
    from pglast import parse_sql

    query: Any = parse_sql(f"SELECT {expression}")[0].stmt
    value = query.targetList[0].val
    if kind(value) == "A_Const" and hasattr(value.val, "sval"):
        return str(value.val.sval)
    return OpaqueChange(table="", text=f"EXECUTE {masked(expression)}", reason=_("its text is made only when it runs"))
