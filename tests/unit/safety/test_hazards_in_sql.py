"""Every hazard can judge every statement, and what it says to write instead is made of what the statement says."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from django.db import connections, migrations
from django.db.migrations.state import ProjectState
from django.test import override_settings

from auto_migrate.changes.change import Change, OpaqueChange
from auto_migrate.changes.new_objects import NewObjects
from auto_migrate.changes.operations import changes_of_function
from auto_migrate.changes.reading import OperationChanges
from auto_migrate.findings import Finding
from auto_migrate.phases.classify import ClassifiedMigration, phase_of
from auto_migrate.safety.assessment import assess
from auto_migrate.safety.hazard import ServerFacts
from auto_migrate.safety.hazards import hazards
from tests.entries import each_entry
from tests.unit.changes.sql_statements import STATEMENTS
from tests.unit.safety.sql_migration import read_sql

SOME = "UPDATE t SET c = 1 WHERE id IN (SELECT id FROM t WHERE c IS NULL LIMIT 1000)"
IN_A_BLOCK = "DO $$ DECLARE r record; BEGIN {} END $$"


@each_entry("sql", [sql for sql in STATEMENTS if STATEMENTS[sql]])
def test_every_hazard_judges_every_statement(sql: str) -> None:
    read = read_sql(sql)
    for code, hazard in hazards().items():
        for found in hazard.look(read, ServerFacts("postgresql", (15, 4)), NewObjects()):
            assert found.problem, code
            assert "None" not in found.instead, code
            assert "{" not in found.problem, code


@pytest.mark.parametrize(
    ("sql", "codes"),
    [
        ("CREATE INDEX CONCURRENTLY i ON t (c)", {"AM201"}),
        ("VACUUM (ANALYZE) t", {"AM201"}),
        ("ANALYZE t", set()),
        ("UPDATE t SET c = 1; ALTER TABLE t ADD d integer", {"AM501", "AM503"}),
        ("INSERT INTO t VALUES (1); ALTER TABLE other ADD d integer", set()),
        ("INSERT INTO t VALUES (1); ALTER TABLE t ADD d integer", {"AM501"}),
        ("CREATE TABLE n (id integer); INSERT INTO n SELECT 1 FROM t; ALTER TABLE t ADD d integer", set()),
        ("ALTER TABLE t ADD nom_très_long_parce_que_les_lettres_accentuées_ont_deux_octets integer", {"AM203"}),
        ("DROP INDEX i; CREATE INDEX i ON t (c)", {"AM202"}),
        ("SELECT tidy_up()", {"AM507"}),
        ("INSERT INTO t VALUES (1); COMMIT", {"AM204"}),
        ("END", {"AM204"}),
        ("ABORT", {"AM204"}),
        ("ROLLBACK AND CHAIN", {"AM204"}),
        ("PREPARE TRANSACTION 'mine'", {"AM204"}),
        ("SAVEPOINT s; ROLLBACK TO s; RELEASE s", set()),
        ("BEGIN", set()),
        ("DO $$ BEGIN COMMIT; END $$", {"AM204"}),
        ("ALTER TABLE t ADD d integer; CREATE TABLE n (id integer); INSERT INTO n SELECT 1 FROM t", {"AM501"}),
        ("ALTER TABLE t ADD d integer; CREATE TABLE n (id integer); INSERT INTO n SELECT 1 FROM t LIMIT 9", set()),
        ("ALTER TABLE t ADD d integer; CREATE TABLE n (id integer); INSERT INTO n SELECT 1 FROM u", set()),
        # The key of another table, or one for each row, names no single rows.
        ("UPDATE t SET c = 1 FROM u WHERE u.id = 1", {"AM503"}),
        ("UPDATE t AS o SET c = 1 FROM u WHERE u.id = 1", {"AM503"}),
        ("UPDATE t AS o SET c = 1 WHERE o.id = 1", set()),
        ("UPDATE t SET c = 1 WHERE id = (SELECT u.id FROM u WHERE u.c = t.c)", {"AM503"}),
        ("UPDATE t SET c = 1 WHERE id = (SELECT max(v.i) FROM (VALUES (1)) v(i))", set()),
        ("UPDATE t SET c = 1 WHERE id = (SELECT max(f.i) FROM unnest(ARRAY[1]) f(i))", set()),
        # A loop without COMMIT writes all rows in one transaction, however few at a time.
        (IN_A_BLOCK.format(f"LOOP {SOME}; EXIT WHEN NOT FOUND; END LOOP;"), {"AM503"}),
        (IN_A_BLOCK.format(f"LOOP {SOME}; EXIT WHEN NOT FOUND; COMMIT; END LOOP;"), {"AM204"}),
        (IN_A_BLOCK.format(f"WHILE EXISTS (SELECT FROM t) LOOP {SOME}; END LOOP;"), {"AM503"}),
        (IN_A_BLOCK.format("FOR r IN SELECT * FROM t LOOP INSERT INTO u VALUES (r.c); END LOOP;"), {"AM503"}),
        (IN_A_BLOCK.format("FOR r IN SELECT * FROM t LIMIT 9 LOOP INSERT INTO u VALUES (r.c); END LOOP;"), set()),
        (IN_A_BLOCK.format("FOR r IN SELECT * FROM pg_class LOOP INSERT INTO u VALUES (r.c); END LOOP;"), set()),
        (IN_A_BLOCK.format("FOR i IN 1..3 LOOP INSERT INTO u VALUES (i); END LOOP;"), set()),
    ],
)
def test_what_is_found_in_a_text(sql: str, codes: set[str]) -> None:
    read, server = read_sql(sql), ServerFacts("postgresql", (15, 4))
    found = {code for code, hazard in hazards().items() if any(hazard.look(read, server, NewObjects()))}
    assert {code for code in found if code.startswith(("AM20", "AM50"))} == codes


def commits(apps: object, editor: Any) -> None:
    """Send a statement as migrations do."""
    editor.execute("commit")


def keeps(apps: object, editor: Any) -> None:
    """Say COMMIT without sending it."""
    editor.execute("SELECT 1 -- COMMIT")


@pytest.mark.parametrize(
    ("vendor", "change", "found"),
    [
        ("postgresql", commits, True),
        ("postgresql", keeps, False),
        ("sqlite", OpaqueChange(table="", text="COMMIT", reason="nobody reads it"), True),
        ("sqlite", OpaqueChange(table="", text="ROLLBACK TO SAVEPOINT s", reason="nobody reads it"), False),
        ("sqlite", OpaqueChange(table="", text="UPDATE t SET ended = 1", reason="nobody reads it"), False),
    ],
)
def test_a_transaction_ended_by_a_function_or_where_no_parser_reads_is_found(
    vendor: str, change: Any, found: bool
) -> None:
    changes: Any = (change,) if isinstance(change, Change) else changes_of_function(*running(change), backwards=False)
    changes = tuple(changes)
    for atomic in (True, False):
        migration = migrations.Migration("0002_sql", "shop")
        setattr(migration, "atomic", atomic)  # noqa: B010 # Django's types know it of the class alone
        read = ClassifiedMigration(migration, False, (OperationChanges(1, migrations.RunSQL(""), changes),))
        assert any(hazards()["AM204"].look(read, ServerFacts(vendor, (15, 4)), NewObjects())) is (found and atomic)


def running(code: Any) -> Any:
    """Return what reads the function of a migration."""
    return migrations.RunPython(code), "shop", connections["default"].copy(), ProjectState(), ProjectState()


LOSSES = [
    ("CREATE TABLE IF NOT EXISTS t (id integer); DROP TABLE t", {"AM302"}),
    ("CREATE TEMP TABLE t (id integer); DROP TABLE t", {"AM302"}),
    ("DO $$ BEGIN CREATE TABLE t (id integer); END $$; DROP TABLE t", {"AM302"}),
    ("CREATE TABLE a (id int); ALTER TABLE a RENAME TO b; ALTER TABLE t RENAME TO a; DROP TABLE a", {"AM302"}),
    ("CREATE TABLE a (id int); DROP TABLE a; ALTER TABLE t RENAME TO a; DROP TABLE a", {"AM302"}),
    ("CREATE TABLE a (id int); ALTER TABLE a RENAME TO b; DROP TABLE b", set()),
    ("CREATE TABLE public.a (id int); DROP TABLE a", set()),
    ("ALTER TABLE t ADD IF NOT EXISTS c integer; ALTER TABLE t DROP c", {"AM301"}),
    ("ALTER TABLE t ADD c integer; ALTER TABLE t DROP c", set()),
    ("ALTER TABLE t ADD c integer; ALTER TABLE t RENAME c TO d; ALTER TABLE t DROP d", set()),
    ("ALTER TABLE t ADD c integer; ALTER TABLE t RENAME TO u; ALTER TABLE public.u DROP c", set()),
    ("ALTER TABLE t ADD c integer; ALTER TABLE t RENAME c TO d; ALTER TABLE t RENAME e TO c; ALTER TABLE t DROP c",
     {"AM301"}),
    ("DROP SCHEMA arch CASCADE", {"AM302"}),
    ("DROP OWNED BY shop", {"AM302"}),
    ("MERGE INTO t USING u ON t.id = u.id WHEN MATCHED THEN DELETE", {"AM304"}),
    ("DELETE FROM t WHERE id BETWEEN 1 AND 1000000", {"AM304"}),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "codes"), LOSSES)
def test_losses_are_told_of_all_that_is_not_surely_new(sql: str, codes: set[str]) -> None:
    read, server = read_sql(sql), ServerFacts("postgresql", (15, 4))
    found = {code for code, hazard in hazards().items() if any(hazard.look(read, server, NewObjects()))}
    assert {code for code in found if code.startswith("AM30")} == codes


HURTS_THE_OLD = {
    **{sql: codes & {"AM301", "AM302"} for sql, codes in LOSSES if codes & {"AM301", "AM302"}},
    "ALTER TABLE t ALTER c SET NOT NULL": {"AM404"},
    "ALTER TABLE t ADD CONSTRAINT k CHECK (c > 0) NOT VALID": {"AM405"},
    "CREATE UNIQUE INDEX k ON t (c)": {"AM405"},
    "ALTER TABLE t ALTER c DROP DEFAULT": {"AM407"},
    "DROP VIEW v": {"AM410"},
    "REVOKE INSERT ON t FROM web": {"AM411"},
}


def judged(sql: str, *, phase: str | None, phases: bool) -> dict[str, Finding]:
    """Return the findings of a migration that declares a phase, by their codes."""
    read = read_sql(sql)
    if phase:
        read.migration.phase = phase  # type: ignore[attr-defined]
    with override_settings(AUTO_MIGRATE={"PHASES": phases}):
        late = dataclasses.replace(read, decision=phase_of(read))
        return {found.code: found for found in assess([late], ServerFacts("postgresql", (15, 4))).findings}


@pytest.mark.parametrize(("sql", "codes"), HURTS_THE_OLD.items())
def test_a_declaration_is_believed_only_where_phases_are_kept(sql: str, codes: set[str]) -> None:
    assert not codes & set(judged(sql, phase="post_deploy", phases=True))
    told = judged(sql, phase="post_deploy", phases=False)
    assert codes <= set(told)
    assert all("AUTO_MIGRATE_PHASES=true" in told[code].problem for code in codes)
    # Those who have declared nothing need not be told that nobody keeps it.
    told = judged(sql, phase=None, phases=False)
    assert all("PHASES" not in told[code].problem for code in codes)


@pytest.mark.parametrize(
    ("sql", "sides"),
    [
        ("CREATE TABLE IF NOT EXISTS t (id integer); ALTER TABLE t DROP c", (True, True)),
        (
            "CREATE TABLE a (c int); ALTER TABLE a RENAME TO b; ALTER TABLE t RENAME TO a; ALTER TABLE a DROP c",
            (True, True),
        ),
        ("ALTER TABLE t ADD IF NOT EXISTS c integer; ALTER TABLE t DROP c", (True, True)),
        ("ALTER TABLE t ADD c integer; ALTER TABLE t RENAME c TO d; ALTER TABLE t DROP d", (True, False)),
        ("CREATE TABLE a (c int); ALTER TABLE a RENAME TO b; ALTER TABLE b DROP c", (True, False)),
        ("DROP SCHEMA arch CASCADE", (False, True)),
    ],
)  # fmt: skip
def test_only_what_is_surely_new_may_go_before_the_deploy(sql: str, sides: tuple[bool, bool]) -> None:
    [operation] = read_sql(sql).operations
    phasing = phase_of(
        dataclasses.replace(
            read_sql(sql),
            operations=tuple(
                dataclasses.replace(operation, index=n, changes=(change,)) for n, change in enumerate(operation.changes)
            ),
        )
    )
    assert (bool(phasing.additive), bool(phasing.destructive)) == sides


def test_a_truncation_that_cascades_is_not_weighed_by_its_own_table() -> None:
    tables = {
        sql: [
            one.table
            for one in hazards()["AM304"].look(read_sql(sql), ServerFacts("postgresql", (15, 4)), NewObjects())
        ]
        for sql in ("TRUNCATE t", "TRUNCATE t CASCADE")
    }
    assert tables == {"TRUNCATE t": ["t"], "TRUNCATE t CASCADE": ["*"]}
