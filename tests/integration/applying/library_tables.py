"""The library in a database, where most tests of operations begin, and the locks that an operation takes there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from auto_migrate.databases.deferred_sql import flush_deferred
from tests.integration.applying.library import APP, library

# Every table that is there, by its own number and those of its indexes: who locks an index stops its table.
RELATIONS = """
    SELECT class.oid, coalesce(owner.relname, class.relname)
    FROM pg_class AS class LEFT JOIN pg_index AS index ON index.indexrelid = class.oid
    LEFT JOIN pg_class AS owner ON owner.oid = index.indrelid
    WHERE class.relnamespace = 'public'::regnamespace AND class.relkind IN ('r', 'p', 'i', 'I')
"""
HELD = "SELECT relation, mode FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'relation' AND granted"
# Weaker ones hold no reads and writes up, and nobody needs to be told of them.
MODES = {
    "ShareUpdateExclusiveLock": 4,
    "ShareLock": 5,
    "ShareRowExclusiveLock": 6,
    "ExclusiveLock": 7,
    "AccessExclusiveLock": 8,
}
# What Django's editor sends for the library, by the server's version: working that out takes ten times as long.
_statements: dict[int, str] = {}


def make_library(connection: BaseDatabaseWrapper, before: Iterable[Operation] = ()) -> ProjectState:
    """Make the library in an empty database on PostgreSQL, and more after it; return the state, rendered."""
    state = ProjectState()
    version: int = connection.pg_version  # type: ignore[attr-defined]
    if version not in _statements:
        with connection.schema_editor(collect_sql=True) as editor:
            advance(editor, state.clone(), library())
        _statements[version] = "\n".join(editor.collected_sql)
    with connection.cursor() as cursor:
        cursor.execute(_statements[version])
    for operation in library():
        operation.state_forwards(APP, state)
    assert state.apps
    with connection.schema_editor() as editor:
        advance(editor, state, before)
    return state


def advance(editor: BaseDatabaseSchemaEditor, state: ProjectState, operations: Iterable[Operation]) -> None:
    """Carry out operations as a migration does, what they defer included."""
    for operation in operations:
        before = state.clone()
        operation.state_forwards(APP, state)
        operation.database_forwards(APP, editor, before, state)
    flush_deferred(editor)


def build(connection: BaseDatabaseWrapper, operations: Iterable[Operation]) -> ProjectState:
    """Carry out and commit, and return the state after."""
    state = ProjectState()
    with connection.schema_editor() as editor:
        advance(editor, state, operations)
    return state


def taken_by(connection: BaseDatabaseWrapper, state: ProjectState, operations: Iterable[Operation]) -> dict[str, int]:
    """Return the strongest lock that operations take on each table that was there before; leave no trace."""
    with connection.cursor() as cursor:
        cursor.execute(RELATIONS)
        tables: dict[int, str] = dict(cursor.fetchall())
    with connection.schema_editor() as editor:
        advance(editor, state, operations)
        with connection.cursor() as cursor:
            cursor.execute(HELD)
            held: list[tuple[Any, ...]] = cursor.fetchall()
        connection.set_rollback(True)
    taken: dict[str, int] = {}
    for oid, mode in held:
        if oid in tables and mode in MODES:
            taken[tables[oid]] = max(MODES[mode], taken.get(tables[oid], 0))
    return taken
