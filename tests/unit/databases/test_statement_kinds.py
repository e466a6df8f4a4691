"""Statements are known by their first words, whatever comments and case they come with."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from auto_migrate.databases import statement_kinds as kinds

COMMENTED = ("{}", "  {}", "-- a; DROP TABLE t\n{}", "/* COMMIT; */ {}", "/* a */\n-- b\n  {}")
Question = Callable[[str], bool]
YES: list[tuple[Question, list[str]]] = [
    (kinds.reads, ["SELECT 1", "show tables", "PRAGMA table_info(t)"]),
    (kinds.looks, ["SET x = 1", "EXPLAIN SELECT 1"]),
    (kinds.only_reads, ["SELECT 1;", "SAVEPOINT a", "ROLLBACK TO SAVEPOINT a"]),
    (kinds.controls_transaction, ["BEGIN", "RELEASE SAVEPOINT a"]),
    (kinds.writes_rows, ["insert into t values (1)", "REPLACE INTO t VALUES (1)"]),
    (kinds.runs_code, ["DO $$ BEGIN END $$", "CALL p()"]),
    (kinds.wants_tables, ["ALTER TABLE t ADD a int", "TRUNCATE t"]),
    (kinds.changes_schema_visibly, ["CREATE UNIQUE INDEX i ON t (a)", "RENAME TABLE a TO b"]),
    (kinds.ends_transaction, ["COMMIT", "ROLLBACK", "CALL p()", "UPDATE t SET a = 1; COMMIT"]),
    (kinds.may_commit_within, ["COMMIT", "INSERT INTO t VALUES (1); END", "PREPARE TRANSACTION 'a'"]),
]
NO: list[tuple[Question, list[str]]] = [
    (kinds.reads, ["UPDATE t SET a = 1", "PRAGMA user_version = 1", "EXPLAIN ANALYZE DELETE FROM t", "SELECTED"]),
    (kinds.looks, ["UPDATE t SET a = 1"]),
    (kinds.only_reads, ["SELECT 1; DELETE FROM t", "ROLLBACK"]),
    (kinds.controls_transaction, ["COMMIT"]),
    (kinds.writes_rows, ["WITH a AS (SELECT 1) SELECT 1"]),
    (kinds.runs_code, ["DOMAIN"]),
    (kinds.wants_tables, ["CREATE INDEX CONCURRENTLY i ON t (a)", "UPDATE t SET a = 1"]),
    (kinds.changes_schema_visibly, ["CREATE TRIGGER a", "DROP VIEW v"]),
    (kinds.ends_transaction, ["ROLLBACK TO SAVEPOINT a", "SELECT 'COMMIT'"]),
    (kinds.may_commit_within, ["INSERT INTO t VALUES (1)", "SELECT 1"]),
]


@pytest.mark.parametrize("comment", COMMENTED)
def test_what_is_of_a_kind_is_known(comment: str) -> None:
    wrong = [(ask.__name__, text) for ask, texts in YES for text in texts if not ask(comment.format(text))]
    assert wrong == []


@pytest.mark.parametrize("comment", COMMENTED)
def test_what_is_not_is_not_taken_for_it(comment: str) -> None:
    # What is in a comment is not looked at, save by the question that must not miss a statement within the text.
    asked = [(ask, texts) for ask, texts in NO if "COMMIT" not in comment or ask is not kinds.may_commit_within]
    assert [(ask.__name__, text) for ask, texts in asked for text in texts if ask(comment.format(text))] == []
