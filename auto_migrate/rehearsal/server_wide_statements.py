"""What a database cannot keep to itself: statements that change the whole server, or that reach for another one.

In a scratch database beside the real one they would change what the real one stands on, so they are left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import sqlparse

BEYOND = re.compile(
    r"(CREATE|ALTER|DROP)\s+(DATABASE|ROLE|USER(?!\s+MAPPING)|GROUP|TABLESPACE|SUBSCRIPTION)\b"
    r"|ALTER\s+SYSTEM\b|REASSIGN\s+OWNED\b|DROP\s+OWNED\b|(COMMENT\s+ON|SECURITY\s+LABEL\b.*\sON)\s+(DATABASE|ROLE)\b"
    # A role is granted to a role; a privilege is granted on something.
    r"|(GRANT|REVOKE)\s+(?!.*\sON\s)",
    re.IGNORECASE | re.DOTALL,
)


class ServerWideStatements:
    """Leaves out what reaches beyond the scratch database; for `connection.execute_wrapper`, as the innermost."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self.tell = tell

    def __call__(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        """Send a statement as it is, or of several those that stay inside."""
        statements = sqlparse.split(str(sql)) if BEYOND.search(str(sql)) else []
        beyond = [statement for statement in statements if reaches_beyond(statement)]
        if not beyond:
            return execute(sql, params, many, context)
        answer = None
        for statement in statements:
            if statement in beyond:
                self.tell(statement)
            else:
                answer = execute(statement, params, many, context)
        return answer


def reaches_beyond(statement: str) -> bool:
    """Return whether a statement, or one inside a `DO` block, changes more than the database that it is sent to."""
    bare = sqlparse.format(statement, strip_comments=True).strip()
    return bool(BEYOND.match(bare) or (re.match(r"DO\b", bare, re.IGNORECASE) and BEYOND.search(bare)))
