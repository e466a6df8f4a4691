"""Statements that lean on each other in their session, or want no transaction, are told from those that stand alone."""

from __future__ import annotations

import pytest

from auto_migrate.databases.statement_kinds import (
    fits_own_transaction,
    leans_on_session,
    looks,
    only_writes_rows,
)


@pytest.mark.parametrize(
    "sql",
    [
        "START TRANSACTION; UPDATE a SET n = 1; COMMIT",
        "UPDATE a SET n = 1;\n-- then\nROLLBACK",
        "XA START 'x'",
        "LOCK TABLES a WRITE",
        "SET autocommit = 0",
        "SET @p = LAST_INSERT_ID()",
        "INSERT INTO b VALUES (@p)",
        "INSERT INTO b VALUES (last_insert_id ())",
        "CREATE TEMPORARY TABLE t (id int)",
        "PREPARE s FROM 'DROP TABLE a'",
        "SET STATEMENT max_statement_time = 9 FOR ALTER TABLE a ADD x int",
        "/*!40014 SET foreign_key_checks = 0 */",
    ],
)
def test_what_goes_with_the_session(sql: str) -> None:
    assert leans_on_session(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SET foreign_key_checks = 0",
        "SET @@SESSION.sql_mode = ''",
        "UPDATE a SET mail = 'me@example.org'",
        "ALTER TABLE a ADD locked int",
        "INSERT INTO start VALUES (1)",
    ],
)
def test_what_stands_alone(sql: str) -> None:
    assert not leans_on_session(sql)


def test_a_text_that_goes_on_behind_its_rows_is_not_one_that_only_writes_them() -> None:
    assert only_writes_rows("INSERT INTO a VALUES ('x; DROP TABLE b'); -- done")
    assert not only_writes_rows("INSERT INTO a VALUES (1); ALTER TABLE a ADD x int")
    assert not only_writes_rows("ALTER TABLE a ADD x int")


def test_what_is_set_for_one_statement_is_not_only_looking() -> None:
    assert looks("SET lock_wait_timeout = 9")
    assert not looks("SET STATEMENT lock_wait_timeout = 9 FOR ALTER TABLE a ADD x int")


@pytest.mark.parametrize(
    "sql",
    [
        "-- first\nSET lock_timeout = '2s'",
        "SET ROLE owner; ALTER TABLE a ADD x int",
        "BEGIN; UPDATE a SET n = 1; COMMIT",
        "DO $$ BEGIN LOOP UPDATE a SET n = 1; COMMIT; END LOOP; END $$",
        "CALL fill()",
        "CREATE INDEX CONCURRENTLY i ON a (n)",
        "VACUUM a",
        "CREATE TEMP TABLE t (id int)",
        "SELECT set_config('search_path', 'b', false)",
        "SELECT pg_advisory_lock(7)",
        "LOCK TABLE a",
    ],
)
def test_what_wants_no_transaction(sql: str) -> None:
    assert not fits_own_transaction(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE a\n   SET n = 1",
        "SET LOCAL lock_timeout = '2s'; ALTER TABLE a ADD x int",
        "SET CONSTRAINTS ALL IMMEDIATE; ALTER TABLE a ADD x int",
        "DO $$ BEGIN EXECUTE 'ALTER TABLE a ADD x int'; END $$",
        "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ DECLARE n int; BEGIN n := 1; END $$",
        "SELECT f()",
    ],
)
def test_what_may_have_a_transaction_for_itself(sql: str) -> None:
    assert fits_own_transaction(sql)
