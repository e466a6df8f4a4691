"""Which statements are the running release's own, and the part of each that the server plans."""

from __future__ import annotations

import re

# What reads and writes rows; everything else is about the session, a transaction or the schema.
ROWS = re.compile(r"[\s(]*(SELECT|INSERT|UPDATE|DELETE|MERGE|REPLACE|WITH|VALUES|TABLE|COPY)\b", re.IGNORECASE)
# What only hands a statement over: a cursor, as `iterator()` makes one, and a prepared statement.
HANDED_OVER = re.compile(
    r"\s*(?:DECLARE\s+(?:\"[^\"]*\"|[\w$]+)\s+(?:\w+\s+){0,4}CURSOR\s+(?:WITH(?:OUT)?\s+HOLD\s+)?FOR\s+"
    r"|PREPARE\s+(?:\"[^\"]*\"|[\w$]+)\s*(?:\([^()]*\))?\s+AS\s+)",
    re.IGNORECASE | re.DOTALL,
)
# The record, the history, the catalogue and the session; how this package counts rows; how PostgreSQL looks up keys,
# and what pg_dump sends.
NOT_ITS_OWN = re.compile(
    r"\bdjango_migrations\b|\bauto_migrate_\w+|\bpg_catalog\.(?!default)\w*pg_|\b(?:FROM|JOIN)\s+\"?(?:pg_|information_schema)"
    r"|^SELECT count\(\*\) FROM \(SELECT \$1 FROM .+ LIMIT \$2\) AS counted$"
    r"|\bpg_stat_\w+|\b(?:pg_(?:try_)?advisory_\w+|pg_backend_pid|set_config|current_setting|to_reg\w+)\s*\("
    r"|\bFROM ONLY \S+ \S+ WHERE .{1,4000}OPERATOR\(pg_catalog\.=\)"
    r"|^COPY \S+ \(.*\) TO stdout$"
)


def handed_over(sql: str) -> str:
    """Return the statement that a cursor or a prepared statement is made of, or the text itself."""
    found = HANDED_OVER.match(sql)
    return sql[found.end() :] if found else sql


def is_of_release(text: str) -> bool:
    """Return whether a statement without values reads or writes rows, and no tool sends it about them."""
    return ROWS.match(text) is not None and NOT_ITS_OWN.search(text) is None
