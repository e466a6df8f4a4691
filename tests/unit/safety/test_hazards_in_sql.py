"""Every hazard can judge every statement, and what it says to write instead is made of what the statement says."""

from __future__ import annotations

import pytest
from django.db import connections, migrations

from auto_migrate.planning.reading import ReadMigration, ReadOperation
from auto_migrate.planning.statement_changes import changes_of_sql
from auto_migrate.safety.hazard import Server
from auto_migrate.safety.hazards import hazards
from tests.unit.planning.test_statement_changes import STATEMENTS, TABLES


def read_sql(sql: str) -> ReadMigration:
    """Read an atomic migration of one text, with a connection that is not open."""
    operation = migrations.RunSQL(sql, migrations.RunSQL.noop)
    changes = tuple(changes_of_sql(sql, connections["default"].copy(), TABLES))
    migration = migrations.Migration("0002_sql", "shop")
    return ReadMigration(migration, False, (ReadOperation(1, operation, changes),))


@pytest.mark.parametrize("sql", [sql for sql in STATEMENTS if STATEMENTS[sql]])
def test_every_hazard_judges_every_statement(sql: str) -> None:
    for code, hazard in hazards().items():
        for found in hazard.look(read_sql(sql), Server("postgresql", (15, 4)), frozenset()):
            assert found.problem, code
            assert "None" not in found.instead, code
            assert "{" not in found.problem, code


@pytest.mark.parametrize(
    ("sql", "codes"),
    [
        ("CREATE INDEX CONCURRENTLY i ON t (c)", {"AM201"}),
        ("UPDATE t SET c = 1; ALTER TABLE t ADD d integer", {"AM501", "AM503"}),
        ("INSERT INTO t VALUES (1); ALTER TABLE other ADD d integer", set()),
        ("INSERT INTO t VALUES (1); ALTER TABLE t ADD d integer", {"AM501"}),
        ("CREATE TABLE n (id integer); INSERT INTO n SELECT 1 FROM t; ALTER TABLE t ADD d integer", set()),
        ("ALTER TABLE t ADD nom_très_long_parce_que_les_lettres_accentuées_ont_deux_octets integer", {"AM203"}),
        ("DROP INDEX i; CREATE INDEX i ON t (c)", {"AM202"}),
        ("SELECT tidy_up()", {"AM507"}),
    ],
)
def test_what_is_found_in_a_text(sql: str, codes: set[str]) -> None:
    read, server = read_sql(sql), Server("postgresql", (15, 4))
    found = {code for code, hazard in hazards().items() if any(hazard.look(read, server, frozenset()))}
    assert {code for code in found if code.startswith(("AM20", "AM50"))} == codes
