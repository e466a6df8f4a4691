"""How large tables of MariaDB are, whichever way they are named, and whoever has them locked."""

from __future__ import annotations

import pytest
from django.db import connections

from auto_migrate.backfills.backfill_spec import BackfillSpec
from auto_migrate.backfills.keys import KeyedTable
from auto_migrate.backfills.records import Backfills
from auto_migrate.databases.mysql.adapter import MySQL
from auto_migrate.exceptions import MigrationFailed
from auto_migrate.values import BackfillKey
from tests.integration.databases.aliases import alias
from tests.servers import MariaDB


def test_a_table_is_found_by_its_name_with_a_full_stop_and_in_another_database(maria: MySQL, mariadb: MariaDB) -> None:
    mariadb.create_database("beside")
    with maria.connection.cursor() as cursor:
        for table in ("`a.b`", "beside.b"):
            cursor.execute(f"CREATE TABLE {table} (id int)")
            cursor.execute(f"INSERT INTO {table} VALUES (1), (2)")
        cursor.execute("CREATE VIEW seen AS SELECT * FROM `a.b`")
    found = maria.statistics.of_tables(["a.b", "beside.b", "seen", "beside.c"], 5)
    mariadb.drop_database("beside")
    assert {name: table.rows for name, table in found.items()} == {"a.b": 2, "beside.b": 2}


def test_a_table_that_somebody_has_locked_is_not_waited_for_and_counts_as_large(maria: MySQL, mariadb_url: str) -> None:
    with alias("other", mariadb_url) as name, connections[name].cursor() as other, maria.connection.cursor() as cursor:
        cursor.execute("CREATE TABLE held (id int)")
        cursor.execute("SELECT @@SESSION.lock_wait_timeout")
        before = cursor.fetchone()
        other.execute("LOCK TABLES held WRITE")
        found = maria.statistics.of_tables(["held"], 5)["held"]
        cursor.execute("SELECT @@SESSION.lock_wait_timeout")
        assert cursor.fetchone() == before
    assert (found.rows, found.counted) == (6, False)


def test_a_backfill_of_a_table_without_transactions_is_refused(maria: MySQL) -> None:
    with maria.connection.cursor() as cursor:
        cursor.execute("CREATE TABLE slow (id int PRIMARY KEY) ENGINE=MyISAM")
    task = BackfillSpec(BackfillKey("shop", "it"), KeyedTable("slow", ("id",)), lambda _rows: None)
    with pytest.raises(MigrationFailed, match="slow knows no transactions"):
        Backfills(maria.alias).ensure(task)


def test_the_history_is_kept_in_tables_that_know_transactions(maria: MySQL) -> None:
    with maria.connection.cursor() as cursor:
        cursor.execute("SET SESSION default_storage_engine = MyISAM")
        maria_history = Backfills(maria.alias)
        cursor.execute("CREATE TABLE quick (id int PRIMARY KEY) ENGINE=InnoDB")
        maria_history.ensure(BackfillSpec(BackfillKey("shop", "it"), KeyedTable("quick", ("id",)), lambda _rows: None))
        cursor.execute("SELECT @@SESSION.default_storage_engine")
        assert cursor.fetchone()[0] == "MyISAM"
    assert maria.without_transactions(["auto_migrate_backfill"]) == frozenset()
