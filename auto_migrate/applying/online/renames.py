"""Tables and columns that get another name, with foreign keys that Django makes anew to give them another name as well.

A key whose table or column is called otherwise holds the same rows as before: it is renamed, and no row is looked up.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.regex_helper import _lazy_re_compile

from auto_migrate.applying.online import foreign_keys, removals
from auto_migrate.applying.online.present_names import PresentNames
from auto_migrate.applying.online.quoted_names import NAME, QUOTED, name_for_django, unquoted
from auto_migrate.applying.online.step import Kind, Step
from auto_migrate.applying.online.step_context import NotOnline
from auto_migrate.databases.lock_modes import ALTER_TABLE

TABLE = _lazy_re_compile(rf"ALTER TABLE (?P<table>{NAME}) RENAME TO (?P<to>{QUOTED})")
COLUMN = _lazy_re_compile(rf"ALTER TABLE (?P<table>{NAME}) RENAME COLUMN (?P<column>{QUOTED}) TO (?P<to>{QUOTED})")
# What the database does with a row whose target goes, from Django 6.1 on, as its catalogue writes it.
ON_DELETE = {None: "a", "CASCADE": "c", "SET NULL": "n", "SET DEFAULT": "d"}
DJANGOS = _lazy_re_compile(
    r" (?:ON DELETE (?P<on_delete>CASCADE|SET NULL|SET DEFAULT) )?DEFERRABLE INITIALLY DEFERRED *"
)
# A key as Django makes it, on one column, that holds all rows; and what it points to is the table and column asked for.
SAME = """
    SELECT count(*) FROM pg_constraint
    JOIN pg_attribute AS own ON own.attrelid = conrelid AND own.attnum = ALL (conkey)
    JOIN pg_attribute AS other ON other.attrelid = confrelid AND other.attnum = ALL (confkey)
    WHERE conrelid = to_regclass(%s) AND conname = %s::text::name AND own.attname = %s::text::name
      AND confrelid = to_regclass(%s) AND other.attname = %s::text::name AND contype = 'f'
      AND convalidated AND condeferrable AND condeferred AND (confupdtype, confdeltype, confmatchtype) = ('a', %s, 's')
"""


def renamed(statements: Sequence[str], connection: BaseDatabaseWrapper, present: PresentNames) -> list[Step]:
    """Return the one step of statements that give other names and make keys anew for it, and do nothing else.

    `present` are the names of what the plan has renamed before. Raise `NotOnline` for any others, and without a
    database to look at.
    """
    tables, columns, dropped, added = (
        [found for one in statements if (found := pattern.fullmatch(one))]
        for pattern in (TABLE, COLUMN, removals.CONSTRAINT, foreign_keys.ADD)
    )
    if connection.connection is None or len(tables) + len(columns) + len(dropped) + len(added) != len(statements):
        raise NotOnline
    moved = {found["to"]: found["table"] for found in tables}
    touched = (moved.get(found["table"], found["table"]) for found in (*tables, *columns, *dropped))
    first, *others = dict.fromkeys(touched)
    present = present.copy()
    for found in tables:
        present.rename_table(*map(name_for_django, found.group("table", "to")))
    for found in columns:
        present.rename_column(*map(name_for_django, found.group("table", "column", "to")))
    kept = [key_renamed(found, dropped, connection, present) for found in added]
    if not kept or len(kept) != len(dropped):
        raise NotOnline
    sql = (*(found[0] for found in (*tables, *columns)), *filter(None, kept))
    return [Step(kind=Kind.CHANGE, sql=sql, table=first, lock=ALTER_TABLE, others=tuple(others))]


def key_renamed(
    added: re.Match[str], dropped: Iterable[re.Match[str]], connection: BaseDatabaseWrapper, present: PresentNames
) -> str:
    """Return the statement that renames the key which another is made in the place of; raise `NotOnline` if none is.

    None is needed where Django finds the same name again, as where what differs of two long ones is cut off.
    """
    how = DJANGOS.fullmatch(added["how"])
    if how is None:
        raise NotOnline
    table, target = name_for_django(added["table"]), name_for_django(added["target"])
    column, key = (unquoted(added[columns][1:-1]) for columns in ("columns", "keys"))
    quote = connection.ops.quote_name
    points = [quote(present.table(target)), present.column(target, key), ON_DELETE[how["on_delete"]]]
    for found in dropped:
        of_key = [quote(present.table(table)), unquoted(found["name"]), present.column(table, column), *points]
        if found["table"] == added["table"] and ask(connection, SAME, of_key):
            renames = f"ALTER TABLE {added['table']} RENAME CONSTRAINT {found['name']} TO {added['name']}"
            return "" if found["name"] == added["name"] else renames
    raise NotOnline


def ask(connection: BaseDatabaseWrapper, question: str, parameters: Sequence[Any]) -> int:
    """Return how many of what is asked about there are."""
    with connection.cursor() as cursor:
        cursor.execute(question, parameters)
        return int(cursor.fetchone()[0])
