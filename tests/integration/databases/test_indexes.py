"""Builds of indexes that go on in the server, seen from another session."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import psycopg
import pytest
from pytest_django import DjangoDbBlocker

from auto_migrate.clock import Clock
from auto_migrate.databases.postgresql.adapter import PostgreSQL
from auto_migrate.databases.postgresql.concurrent_indexes import PostgreSQLIndexes
from auto_migrate.exceptions import RunInterrupted
from auto_migrate.values import IndexCondition
from tests.integration.databases.aliases import alias

Build = Callable[[str], None]


@pytest.fixture
def indexes(database_url: str, django_db_blocker: DjangoDbBlocker) -> Iterator[PostgreSQLIndexes]:
    with django_db_blocker.unblock(), alias("elsewhere", database_url) as name:
        yield PostgreSQLIndexes(PostgreSQL(name))


@pytest.fixture
def build(database_url: str, indexes: PostgreSQLIndexes) -> Iterator[Build]:
    """Carry out a statement beside the test that cannot end before the test does."""
    with psycopg.connect(database_url) as writer, psycopg.connect(database_url, autocommit=True) as builder:
        builder.execute("CREATE TABLE parcel (size int)")
        # An immutable function that waits holds up a build that is not concurrent; the writer holds up one that is.
        builder.execute(
            "CREATE FUNCTION held(int) RETURNS int IMMUTABLE LANGUAGE sql"
            " AS 'SELECT $1 FROM pg_advisory_xact_lock_shared(1)'"
        )
        builder.execute("INSERT INTO parcel VALUES (1)")
        writer.execute("SELECT pg_advisory_lock(1)")
        threads = []

        def begin(statement: str) -> None:
            if "CONCURRENTLY" in statement:
                writer.execute("INSERT INTO parcel VALUES (2)")
            threads.append(threading.Thread(target=builder.execute, args=[statement]))
            threads[0].start()
            await_wait(writer, builder)

        yield begin
        writer.execute("SELECT pg_advisory_unlock(1)")
        writer.commit()
        for thread in threads:
            thread.join()


def await_wait(writer: psycopg.Connection, builder: psycopg.Connection) -> None:
    waits = "SELECT count(*) FROM pg_locks WHERE pid = %s AND NOT granted"
    while writer.execute(waits, [builder.info.backend_pid]).fetchone() == (0,):
        pass


def is_awaited(indexes: PostgreSQLIndexes, names: set[str] | None) -> bool:
    """Return whether a run that was asked to stop had anything to wait for."""
    clock = Clock()
    clock.interrupt()
    try:
        indexes.await_builds(clock, names)
    except RunInterrupted:
        return True
    return False


@pytest.mark.parametrize("how", ["CONCURRENTLY parcel_size ON parcel (size)", "parcel_size ON parcel (held(size))"])
def test_builds_of_the_named_indexes_are_awaited_and_no_others(
    indexes: PostgreSQLIndexes, build: Build, how: str
) -> None:
    assert not is_awaited(indexes, None)
    build(f"CREATE INDEX {how}")
    assert is_awaited(indexes, None)
    assert is_awaited(indexes, {"another", "parcel_size"})
    assert not is_awaited(indexes, {"another"})
    assert not is_awaited(indexes, set())


def test_an_index_of_that_name_on_a_table_of_another_schema_is_another(
    indexes: PostgreSQLIndexes, database_url: str
) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        for schema in ("public", "shop"):
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}".encode())
            connection.execute(f"CREATE TABLE {schema}.parcel (size int)".encode())
        connection.execute("CREATE INDEX parcel_size ON public.parcel (size)")
        assert indexes.condition("parcel_size") is IndexCondition.VALID
        connection.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'parcel_size'::regclass")
        assert indexes.condition("parcel_size") is IndexCondition.INVALID
        with indexes.database.connection.cursor() as cursor:
            cursor.execute("SET search_path = shop, public")
        assert indexes.condition("parcel_size") is IndexCondition.MISSING
        indexes.drop("parcel_size")
        assert connection.execute("SELECT to_regclass('public.parcel_size') IS NULL").fetchone() == (False,)
        with indexes.database.connection.cursor() as cursor:
            cursor.execute("SET search_path = public, shop")
        indexes.drop("parcel_size")
        assert connection.execute("SELECT to_regclass('public.parcel_size') IS NULL").fetchone() == (True,)
