"""Statements that somebody wrote himself, as Django would have written them: where PostgreSQL's own parser is sure."""

from __future__ import annotations

import re
from importlib.util import find_spec

from django.db.migrations import operations as ops

# What there are steps for; other SQL is not worth the parser.
WORTH = re.compile(r"\bCREATE\s+(UNIQUE\s+)?INDEX\b|\bADD\s+CONSTRAINT\b|\bSET\s+NOT\s+NULL\b", re.IGNORECASE)


def statements_of(operation: ops.RunSQL) -> list[str]:
    """Return the statements of a `RunSQL`, spelled in one way; none where any of them may mean something else."""
    texts = [operation.sql] if isinstance(operation.sql, str) else list(operation.sql)
    if not all(isinstance(text, str) for text in texts) or find_spec("pglast") is None:
        return []
    whole = ";\n".join(map(str, texts))
    return spelled(whole) if WORTH.search(whole) else []


def spelled(text: str) -> list[str]:
    """Return each statement with keywords in capitals and names quoted where needed, if all still say the same."""
    from pglast import parse_sql
    from pglast.parser import ParseError
    from pglast.stream import RawStream

    try:
        parsed = parse_sql(text)
        statements = [str(RawStream()(one.stmt)) for one in parsed if one.stmt is not None]
        same = all(parse_sql(one)[0].stmt == was.stmt for one, was in zip(statements, parsed, strict=True))
    except (ParseError, NotImplementedError):
        return []
    return statements if same else []
