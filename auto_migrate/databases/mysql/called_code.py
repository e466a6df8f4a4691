"""The tables that code in the server changes: procedures that are called, and texts that are prepared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.translation import gettext as _

from auto_migrate.databases.mysql.online_ddl import MAY_CHANGE, UnaskableStatement, changed_within
from auto_migrate.databases.mysql.tokens import MySQLToken, statement_at, tokens_of

BODY = """
    SELECT routine_definition FROM information_schema.routines
    WHERE routine_schema = coalesce(%s, DATABASE()) AND routine_name = %s
"""
LARGEST = """
    SELECT table_name FROM information_schema.tables
    WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE' ORDER BY data_length DESC LIMIT 1
"""

Names = tuple[str, ...]
CALL, PREPARE, EXECUTE = "CALL", "PREPARE", "EXECUTE"


def changed_by_code(connection: BaseDatabaseWrapper, sql: str) -> UnaskableStatement | None:
    """Return the tables that a text may change by code that it has the server run; None where it runs none that does.

    Of code that puts a statement together, and names no table until then, it is the database's largest one.
    """
    tables, is_hidden = list[str](), False
    for code in texts_run(connection, tokens_of(sql), set()):
        tables += changed_within(code)
        for text in filter(MAY_CHANGE.search, (token.inner for token in code)):
            found = changed_within(tokens_of(text))
            tables += found
            is_hidden = is_hidden or not found
    if is_hidden:
        with connection.cursor() as cursor:
            cursor.execute(LARGEST)
            tables += [name for (name,) in cursor.fetchall()]
    reason = _("It is done by code that the server runs.")
    return UnaskableStatement(tuple(dict.fromkeys(tables)), reason) if tables else None


def texts_run(
    connection: BaseDatabaseWrapper, tokens: Sequence[MySQLToken], seen: set[Names]
) -> Iterator[tuple[MySQLToken, ...]]:
    """Return the code that statements run: bodies of procedures, of those that they call too, and prepared texts."""
    for at, token in enumerate(tokens):
        after = tokens[at + 1 :]
        if token.word == CALL and after:
            body = body_of(connection, after, seen)
            yield body
            yield from texts_run(connection, body, seen)
        elif token.word == PREPARE and len(after) > 2 and after[1].word == "FROM":
            yield prepared(connection, after[2:])
        elif token.word == EXECUTE and len(after) > 1 and after[0].word == "IMMEDIATE":
            yield prepared(connection, after[1:])


def body_of(connection: BaseDatabaseWrapper, tokens: Sequence[MySQLToken], seen: set[Names]) -> tuple[MySQLToken, ...]:
    """Return the body of the procedure whose name comes next, nothing of one that is known already or out of sight."""
    names = [tokens[0].name]
    if len(tokens) > 2 and tokens[1].text == ".":
        names.append(tokens[2].name)
    if tuple(names) in seen:
        return ()
    seen.add(tuple(names))
    *schema, name = names
    with connection.cursor() as cursor:
        cursor.execute(BODY, [next(iter(schema), None), name])
        return tuple(token for (body,) in cursor.fetchall() for token in tokens_of(body or ""))


def prepared(connection: BaseDatabaseWrapper, tokens: Sequence[MySQLToken]) -> tuple[MySQLToken, ...]:
    """Return what a string says that comes next, or a variable of the session; what is put together, as it stands."""
    if tokens[0].text != "@" or len(tokens) < 2:
        inner = tokens_of(tokens[0].inner)
        return inner if statement_at(inner) else tuple(tokens)
    variable = tokens[1].name.replace("`", "``")
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT @`{variable}`")
        return tokens_of(str(cursor.fetchone()[0] or ""))
