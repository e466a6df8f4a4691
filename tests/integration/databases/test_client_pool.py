"""A project with a pool of connections in its own process: a run takes nothing out of it, and leaves nothing in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections
from pytest_django import DjangoDbBlocker

from auto_migrate.clock import Clock
from auto_migrate.databases import adapter_for
from auto_migrate.databases.base import Database, NoLock
from tests.integration.databases.aliases import alias

pytest.importorskip("psycopg_pool", reason="pip install psycopg-pool")


@pytest.fixture
def pooled(database_url: str, django_db_blocker: DjangoDbBlocker) -> Iterator[Database]:
    """Return the adapter of a database whose project lends its connections, and has one of them."""
    with django_db_blocker.unblock(), alias("pooled", database_url) as name:
        connection: Any = connections[name]
        connection.settings_dict["CONN_MAX_AGE"] = 0
        connection.settings_dict["OPTIONS"]["pool"] = {"min_size": 1, "max_size": 1, "timeout": 5}
        yield adapter_for(name)
        connection.close()
        connection.close_pool()


def ask(database: Database, question: str) -> Any:
    """Return one value."""
    with database.connection.cursor() as cursor:
        cursor.execute(question)
        return cursor.fetchone()[0]


def test_nothing_that_a_run_sets_or_holds_goes_back_to_the_pool(pooled: Database) -> None:
    lent = ask(pooled, "SELECT pg_backend_pid()")
    with pooled.guarded(patience=7.0):
        pooled.prepare()
        pooled.hold_fence(NoLock(), Clock())
        assert ask(pooled, "SHOW lock_timeout") == "7s"
        # As before each further attempt.
        pooled.discard_connection()
        pooled.prepare()
        assert ask(pooled, "SHOW lock_timeout") == "7s"
    assert ask(pooled, "SELECT pg_backend_pid()") == lent
    assert ask(pooled, "SHOW lock_timeout") == "0"
    assert ask(pooled, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == 0


def test_a_run_does_not_wait_for_a_place_in_the_pool(pooled: Database) -> None:
    other = pooled.connection.copy()
    other.ensure_connection()
    try:
        with pooled.guarded():
            pooled.prepare()
    finally:
        other.close()
