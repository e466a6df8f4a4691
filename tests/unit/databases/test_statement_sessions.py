"""Statements that lean on each other in their session are told from those that stand alone."""

from __future__ import annotations

import pytest

from auto_migrate.databases.statement_kinds import leans_on_session


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
