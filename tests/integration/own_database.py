"""A database of its own as Django's default one, on each PostgreSQL there is; a test gets it empty."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator

import pytest
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from pytest_django import DjangoDbBlocker

from auto_migrate.databases.deferred_sql import flush_deferred
from tests.servers import PostgreSQL


@pytest.fixture(scope="module", params=["postgresql15", "postgresql"])
def own_database(
    request: pytest.FixtureRequest, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[BaseDatabaseWrapper]:
    """Make an empty database of one server the default one."""
    server: PostgreSQL = request.getfixturevalue(request.param)
    name = f"test_{uuid.uuid4().hex[:12]}"
    server.create_database(name)
    real = connections["default"]
    own = real.copy()
    own.settings_dict.update(NAME=name, HOST="127.0.0.1", PORT=server.port, USER=server.user, PASSWORD=server.password)
    with django_db_blocker.unblock():
        connections["default"] = own
        try:
            yield own
        finally:
            own.close()
            connections["default"] = real
    server.drop_database(name)


@pytest.fixture
def connection(own_database: BaseDatabaseWrapper) -> BaseDatabaseWrapper:
    """Return the connection, with nothing left of the test before."""
    with own_database.cursor() as cursor:
        cursor.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    return own_database


def carry_out(
    connection: BaseDatabaseWrapper, state: ProjectState, operations: Iterable[Operation], app_label: str
) -> None:
    """Carry out operations as one migration does, what they defer included, and take the state along."""
    with connection.schema_editor() as editor:
        for operation in operations:
            before = state.clone()
            operation.state_forwards(app_label, state)
            operation.database_forwards(app_label, editor, before, state)
        flush_deferred(editor)
