"""Asking a server for the statements that it has counted, whatever state it is in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from pytest_django import DjangoDbBlocker

from auto_migrate.changes.change import DropColumn
from auto_migrate.exceptions import UsageError
from auto_migrate.workload.impact import WorkloadImpact
from auto_migrate.workload.pg_stat_statements import counted_statements, required_statements
from auto_migrate.workload.statement import RecordedStatement, Workload
from auto_migrate.workload.used_tables import UsedTables
from tests.integration.databases.aliases import alias
from tests.servers import PostgreSQL


@pytest.fixture
def counted(counting: PostgreSQL, django_db_blocker: DjangoDbBlocker) -> Iterator[BaseDatabaseWrapper]:
    """Return a connection to a new database of a server that counts."""
    url = counting.create_database("counted")
    with django_db_blocker.unblock(), alias("counted", url):
        yield connections["counted"]
    counting.drop_database("counted")


def execute(connection: BaseDatabaseWrapper, sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def test_a_database_without_the_extension_has_none(counted: BaseDatabaseWrapper) -> None:
    assert counted_statements(counted) is None
    with pytest.raises(UsageError, match="has counted no statements"):
        required_statements(counted)


def test_the_extension_may_be_in_any_schema_and_other_databases_count_for_themselves(
    counted: BaseDatabaseWrapper, counting: PostgreSQL
) -> None:
    execute(counted, 'CREATE SCHEMA "Odd schema"')
    execute(counted, 'CREATE EXTENSION pg_stat_statements SCHEMA "Odd schema"')
    execute(counted, "CREATE TABLE here (id int)")
    execute(counted, "SELECT id FROM here WHERE id = 7")
    counting.execute("CREATE TABLE there (id int)")
    counting.execute("SELECT id FROM there")
    counting.execute("DROP TABLE there")
    found = required_statements(counted)
    assert [(one.text, one.calls, one.roles) for one in found.statements] == [
        ("SELECT id FROM here WHERE id = $1", 1, ("postgres",))
    ]
    assert found.source.startswith("pg_stat_statements, counting since 20")


def test_a_server_that_is_not_loaded_with_it_has_none(
    postgresql15: PostgreSQL, django_db_blocker: DjangoDbBlocker
) -> None:
    url = postgresql15.create_database("unloaded")
    with django_db_blocker.unblock(), alias("unloaded", url):
        execute(connections["unloaded"], "CREATE EXTENSION pg_stat_statements")
        assert counted_statements(connections["unloaded"]) is None
        # The session is as usable as before.
        execute(connections["unloaded"], "SELECT 1")
    postgresql15.drop_database("unloaded")


def test_a_connection_that_is_gone_is_not_taken_for_a_server_without_statements(
    counted: BaseDatabaseWrapper, counting: PostgreSQL
) -> None:
    execute(counted, "CREATE EXTENSION pg_stat_statements")
    counting.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'counted'")
    with pytest.raises(OperationalError):
        counted_statements(counted)


def test_what_stands_before_a_table(counted: BaseDatabaseWrapper) -> None:
    execute(counted, "CREATE TABLE t (id int, note text)")
    execute(counted, "CREATE VIEW notes AS SELECT note FROM t")
    execute(counted, "CREATE VIEW ids AS SELECT id FROM t")
    execute(counted, "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'UPDATE t SET note = NULL'")
    around = UsedTables(counted)
    assert around.mentions("t", "note") == ("f", "notes")
    assert around.mentions("t", "id") == ("ids",)
    assert around.mentions("t", "") == ("f", "ids", "notes")
    assert around.columns("t") == frozenset({"id", "note"})
    assert around.columns("nowhere") is None


def test_functions_in_the_new_style_and_partitions_are_known(counted: BaseDatabaseWrapper) -> None:
    execute(counted, "CREATE TABLE t (id int, note text) PARTITION BY RANGE (id)")
    execute(counted, "CREATE TABLE t_2026 PARTITION OF t FOR VALUES FROM (0) TO (9)")
    execute(counted, "CREATE FUNCTION g() RETURNS SETOF text LANGUAGE sql BEGIN ATOMIC SELECT note FROM t; END")
    around = UsedTables(counted)
    assert around.mentions("t", "note") == ("g",)
    assert around.mentions("t", "id") == ()
    assert around.relatives("t") == ("t_2026",)
    assert around.relatives("t_2026") == ("t",)
    workload = Workload((RecordedStatement("SELECT note FROM t_2026 WHERE id = $1"),), "a file")
    impact = WorkloadImpact(workload, around.columns, relatives=around.relatives)
    account = impact.impact_of(DropColumn(table="t", column="note"))
    assert account is not None
    assert [str(each) for each in account.affected] == ["SELECT note FROM t_2026 WHERE id = $1 reads this column"]
