"""Names that PostgreSQL chooses by itself, for constraints on one column that come without any."""

from __future__ import annotations

import itertools

from django.db.backends.base.base import BaseDatabaseWrapper

from auto_migrate.applying.online.quoted_names import unquoted
from auto_migrate.databases.identifiers import quoted

# NAMEDATALEN, less the byte that ends a name.
MAX_BYTES = 63
# The label of a UNIQUE constraint, whose index has its name.
KEY = "key"
# Whether a name is that of a constraint in the schema of a table, or, if it is to be an index's, of anything there.
TAKEN = """
    SELECT EXISTS (SELECT FROM pg_constraint WHERE connamespace = relnamespace AND conname = %(name)s::text::name)
        OR (%(is_index)s AND EXISTS (
            SELECT FROM pg_class AS other
            WHERE other.relnamespace = owner.relnamespace AND other.relname = %(name)s::text::name))
    FROM pg_class AS owner WHERE oid = to_regclass(%(table)s)
"""


def free_name(connection: BaseDatabaseWrapper, table: str, column: str, label: str) -> str:
    """Return the name, quoted, that a constraint on a column is given: the first that nothing in its schema has.

    Follows `ChooseConstraintName` (`src/backend/catalog/pg_constraint.c`) and `ChooseRelationName`. A column that was
    renamed has left its names behind, and long ones are cut off alike. Without a database to look at, none is taken.
    """
    for number in itertools.count():
        name = chosen_name(table, column, f"{label}{number or ''}")
        if connection.connection is None or not is_taken(connection, table, name, is_index=label == KEY):
            break
    return name


def chosen_name(table: str, column: str, label: str) -> str:
    """Return the name, quoted, that PostgreSQL gives to a constraint where no such name is taken yet.

    Follows `makeObjectName` (`src/backend/commands/indexcmds.c`).
    """
    first, second = unquoted(table).encode(), unquoted(column).encode()
    room = MAX_BYTES - len(label.encode()) - 2
    lengths = [len(first), len(second)]
    while sum(lengths) > room:
        lengths[lengths[0] <= lengths[1]] -= 1
    parts = [part[:length].decode(errors="ignore") for part, length in zip((first, second), lengths, strict=True)]
    return quoted("_".join([*parts, label]))


def is_taken(connection: BaseDatabaseWrapper, table: str, name: str, *, is_index: bool) -> bool:
    """Return whether something in the schema of a table has a name already."""
    with connection.cursor() as cursor:
        cursor.execute(TAKEN, {"table": table, "name": unquoted(name), "is_index": is_index})
        return bool(cursor.fetchone() == (True,))
