"""Triggers of ours that put a value into each row that is written, whoever writes it.

They fire for rows that come by logical replication as well, which ordinary triggers leave alone: what such a row lacks
would be missing here, or stop the replication at a NOT NULL. All names are quoted.
"""

from __future__ import annotations


def row_trigger(name: str, table: str, function: str, when: str = "") -> tuple[str, str]:
    """Return the statements that make a trigger on a table, or make it anew; `when` is the condition of its function.

    The second has to follow each time: a trigger that is replaced is an ordinary one again.
    """
    condition = f" WHEN ({when})" if when else ""
    made = f"CREATE OR REPLACE TRIGGER {name} BEFORE INSERT OR UPDATE ON {table}"
    return (
        f"{made} FOR EACH ROW{condition} EXECUTE FUNCTION {function}()",
        f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}",
    )
