"""Statements that somebody wrote himself, as Django would have written them: where PostgreSQL's own parser is sure."""

from __future__ import annotations

import re
from importlib.util import find_spec
from typing import Any

from django.db.migrations import operations as ops
from django.utils.regex_helper import _lazy_re_compile

from auto_migrate.changes.sql.parsing import TooDeep, parse

# What there are steps for; other SQL is not worth the parser.
WORTH = _lazy_re_compile(r"\bCREATE\s+(UNIQUE\s+)?INDEX\b|\bADD\s+CONSTRAINT\b|\bSET\s+NOT\s+NULL\b", re.IGNORECASE)


def is_worth_parsing(operation: ops.RunSQL) -> bool:
    """Return whether there may be steps for a `RunSQL`, without looking closely."""
    texts = [operation.sql] if isinstance(operation.sql, str) else operation.sql
    return any(isinstance(text, str) and WORTH.search(text) for text in texts)


def statements_of(operation: ops.RunSQL) -> list[str]:
    """Return the statements of a `RunSQL`, spelled in one way; none where any of them may mean something else."""
    texts = [operation.sql] if isinstance(operation.sql, str) else list(operation.sql)
    if not all(isinstance(text, str) for text in texts) or find_spec("pglast") is None:
        return []
    return spelled(";\n".join(map(str, texts))) if is_worth_parsing(operation) else []


def spelled(text: str) -> list[str]:
    """Return each statement with keywords in capitals and names quoted where needed, if all still say the same."""
    from pglast.parser import ParseError
    from pglast.stream import RawStream

    try:
        parsed = parse(text)
        statements = [str(RawStream()(one.stmt)) for one in parsed if one.stmt is not None]
        same = all(parse(one)[0].stmt == was.stmt for one, was in zip(statements, parsed, strict=True))
    except (ParseError, TooDeep, RecursionError, NotImplementedError):
        return []
    return statements if same and all(is_plain(one.stmt) for one in parsed) else []


def is_plain(statement: Any) -> bool:
    """Return whether a parsed statement does one of the things that there are steps for, and nothing beside it."""
    from pglast import ast
    from pglast.enums import AlterTableType

    if isinstance(statement, ast.AlterTableStmt):
        first, *others = statement.cmds or ()
        return not others and first.subtype in {AlterTableType.AT_AddConstraint, AlterTableType.AT_SetNotNull}
    return isinstance(statement, ast.IndexStmt | ast.UpdateStmt)
