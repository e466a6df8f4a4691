"""What the database at hand says of a statement: what it refuses, what goes along, and what it need not read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import DatabaseError, migrations, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations import Migration
from django.db.migrations.state import ProjectState

from auto_migrate.changes.new_objects import NewObjects
from auto_migrate.changes.reading import read_plan
from auto_migrate.phases.classify import classify_plan
from auto_migrate.safety.hazard import Found, ServerFacts
from auto_migrate.safety.hazards import hazards
from tests.integration.safety.pairs import on_one_server

pytestmark = on_one_server

TABLES = """
    CREATE TABLE parent (id bigint PRIMARY KEY);
    CREATE TABLE t (
        id bigint NOT NULL, n integer, m integer, o integer, w varchar(10), at timestamp, every interval(3),
        twice integer GENERATED ALWAYS AS (m * 2) STORED, free integer,
        CONSTRAINT m_there CHECK (m IS NOT NULL AND m > 0)
    );
    ALTER TABLE t ADD CONSTRAINT o_there CHECK (o IS NOT NULL) NOT VALID;
    CREATE UNIQUE INDEX t_id ON t (id);
    CREATE UNIQUE INDEX t_n ON t (n);
    CREATE VIEW seen AS SELECT n, w FROM t;
    CREATE VIEW seen_twice AS SELECT w FROM seen;
    CREATE POLICY a_few ON t USING (o > 0);
    CREATE FUNCTION watch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
    CREATE TRIGGER watching BEFORE UPDATE ON t FOR EACH ROW WHEN (NEW.o > 1) EXECUTE FUNCTION watch();
    CREATE TABLE of_another (id bigint PRIMARY KEY); CREATE INDEX of_it ON of_another (id);
    DROP ROLE IF EXISTS lesser, landlord;
    CREATE ROLE lesser; CREATE ROLE landlord;
    ALTER TABLE t OWNER TO lesser;
    ALTER VIEW seen OWNER TO lesser; ALTER VIEW seen_twice OWNER TO lesser; ALTER TABLE parent OWNER TO lesser;
    ALTER TABLE of_another OWNER TO landlord;
    GRANT SELECT ON of_another TO lesser;
    GRANT CREATE, USAGE ON SCHEMA public TO lesser;
    CREATE SCHEMA closed; GRANT USAGE ON SCHEMA closed TO lesser;
"""


@pytest.fixture
def tables(shop: BaseDatabaseWrapper) -> Iterator[BaseDatabaseWrapper]:
    with shop.cursor() as cursor:
        cursor.execute("DROP SCHEMA IF EXISTS closed CASCADE")
        cursor.execute(TABLES)
    yield shop
    with shop.cursor() as cursor:
        cursor.execute(
            "RESET ROLE; DROP SCHEMA closed CASCADE; DROP OWNED BY lesser, landlord; DROP ROLE lesser, landlord"
        )


def found(connection: BaseDatabaseWrapper, *statements: str) -> list[tuple[str, Found]]:
    """Return what all hazards find in one migration of statements."""
    operations = [migrations.RunSQL(sql, migrations.RunSQL.noop) for sql in statements]
    return found_in(connection, operations, ProjectState())


def found_in(connection: BaseDatabaseWrapper, operations: list[Any], state: ProjectState) -> list[tuple[str, Found]]:
    """Return what all hazards find in one migration of operations."""
    migration = type("Migration", (Migration,), {"operations": operations})("0002_next", "shop")
    [read] = classify_plan(read_plan(connection, [(migration, False)], state))
    return [
        (code, one)
        for code, hazard in hazards().items()
        for one in hazard.look(read, ServerFacts("postgresql", (18,)), NewObjects())
    ]


def codes(connection: BaseDatabaseWrapper, *statements: str) -> set[str]:
    return {code for code, _found in found(connection, *statements)}


def is_refused(connection: BaseDatabaseWrapper, statements: tuple[str, ...]) -> bool:
    """Send statements, take them back, and tell whether the database refused one."""
    try:
        with transaction.atomic(connection.alias), connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            transaction.set_rollback(True, connection.alias)
    except DatabaseError:
        return True
    return False


VIEWS_AWAY = "DROP VIEW seen_twice, seen"


@pytest.mark.parametrize(
    ("statements", "refused"),
    [
        (["ALTER TABLE t ALTER w TYPE varchar(20)"], True),
        (["ALTER TABLE t ALTER m TYPE bigint"], True),
        (["ALTER TABLE t ALTER o TYPE bigint"], True),
        (["ALTER TABLE t ALTER free TYPE bigint"], False),
        ([VIEWS_AWAY, "ALTER TABLE t ALTER w TYPE varchar(20)"], False),
        (["ALTER TABLE t DROP COLUMN w"], True),
        (["ALTER TABLE t DROP COLUMN w CASCADE"], False),
        (["ALTER TABLE t DROP COLUMN free"], False),
        (["DROP TABLE t"], True),
        (["DROP VIEW seen"], True),
        ([VIEWS_AWAY], False),
        (["ALTER TABLE of_another ADD c integer"], True),
        (["CREATE INDEX ON of_another (id)"], True),
        (["DROP TABLE of_another"], True),
        (["DROP INDEX of_it"], True),
        (["DROP INDEX IF EXISTS of_it"], True),
        (["DROP INDEX IF EXISTS of_nothing"], False),
        (["DROP INDEX t_n"], False),
        (["ALTER TABLE t ADD FOREIGN KEY (n) REFERENCES of_another (id)"], True),
        (["CREATE TABLE u (id integer REFERENCES of_another (id))"], True),
        (["ALTER TABLE t ADD FOREIGN KEY (n) REFERENCES parent (id)"], False),
        (["CREATE TABLE closed.u (id integer)"], True),
        (["CREATE TABLE u (id integer)", "ALTER TABLE u ADD c integer"], False),
        (["ALTER TABLE t RENAME TO u", "ALTER TABLE u ADD c integer"], False),
    ],
)
def test_what_the_database_is_certain_to_refuse_is_told(
    tables: BaseDatabaseWrapper, statements: list[str], refused: bool
) -> None:
    with tables.cursor() as cursor:
        cursor.execute("SET ROLE lesser")
    assert is_refused(tables, tuple(statements)) is refused
    assert ("AM205" in codes(tables, *statements)) is refused


def test_once_the_plan_changes_who_may_do_what_nothing_is_certain(tables: BaseDatabaseWrapper) -> None:
    statement = "ALTER TABLE of_another ADD c integer"
    with tables.cursor() as cursor:
        cursor.execute("SET ROLE lesser")
    assert "lesser" in "".join(one.problem for code, one in found(tables, statement) if code == "AM205")
    assert "AM205" not in codes(tables, "SET ROLE landlord", statement)
    assert "AM205" not in codes(tables, "GRANT landlord TO lesser", statement)


@pytest.mark.parametrize(
    ("statement", "gone"),
    [
        ("ALTER TABLE t DROP COLUMN w CASCADE", {"seen", "seen_twice"}),
        ("ALTER TABLE t DROP COLUMN m CASCADE", {"t.twice"}),
        ("ALTER TABLE t DROP COLUMN o CASCADE", {"a_few", "watching"}),
        ("DROP TABLE t CASCADE", {"seen", "seen_twice"}),
        ("DROP VIEW seen CASCADE", {"seen", "seen_twice"}),
        ("ALTER TABLE t DROP COLUMN free CASCADE", set()),
    ],
)
def test_what_goes_along_is_told(tables: BaseDatabaseWrapper, statement: str, gone: set[str]) -> None:
    assert {one.table for code, one in found(tables, statement) if code == "AM410"} == gone


DROP_COLUMN = "ALTER TABLE %(table)s DROP COLUMN %(column)s"


@pytest.mark.parametrize(
    ("sql", "code"), [(f"{DROP_COLUMN} CASCADE", "AM410"), (DROP_COLUMN, "AM205")], ids=["up to Django 5.2", "later"]
)
def test_what_uses_a_field_goes_along_or_stops_it_as_this_django_drops_columns(
    tables: BaseDatabaseWrapper, monkeypatch: pytest.MonkeyPatch, sql: str, code: str
) -> None:
    monkeypatch.setattr(BaseDatabaseSchemaEditor, "sql_delete_column", sql)
    state = ProjectState()
    fields: list[tuple[str, Any]] = [("id", models.BigAutoField(primary_key=True)), ("w", models.TextField(null=True))]
    migrations.CreateModel("T", fields, {"db_table": "t"}).state_forwards("shop", state)
    told = {code for code, _found in found_in(tables, [migrations.RemoveField("T", "w")], state)}
    assert told & {"AM410", "AM205"} == {code}


@pytest.mark.parametrize(
    ("statements", "reads"),
    [
        (["ALTER TABLE t ALTER m SET NOT NULL"], False),
        (["ALTER TABLE t ALTER n SET NOT NULL"], True),
        (["ALTER TABLE t ALTER o SET NOT NULL"], True),
        (["ALTER TABLE t VALIDATE CONSTRAINT o_there", "ALTER TABLE t ALTER o SET NOT NULL"], True),
        (["ALTER TABLE t DROP CONSTRAINT m_there", "ALTER TABLE t ALTER m SET NOT NULL"], True),
        (["ALTER TABLE t ADD CHECK (n IS NOT NULL)", "ALTER TABLE t ALTER n SET NOT NULL"], False),
        (["ALTER TABLE t ADD CHECK (n IS NOT NULL) NOT VALID", "ALTER TABLE t ALTER n SET NOT NULL"], True),
        (["ALTER TABLE t ADD PRIMARY KEY USING INDEX t_id"], False),
        (["ALTER TABLE t ADD PRIMARY KEY USING INDEX t_n"], True),
        (["CREATE UNIQUE INDEX i ON t (free)", "ALTER TABLE t ADD PRIMARY KEY USING INDEX i"], True),
    ],
)
def test_a_null_that_the_database_knows_not_to_be_there_is_not_looked_for(
    tables: BaseDatabaseWrapper, statements: list[str], reads: bool
) -> None:
    assert ("AM104" in codes(tables, *statements)) is reads


def test_a_key_of_an_index_that_nobody_can_look_at_is_told(shop: BaseDatabaseWrapper) -> None:
    told = found(shop, "ALTER TABLE t ADD PRIMARY KEY USING INDEX i")
    assert "may hold NULL" in "".join(one.problem for code, one in told if code == "AM507")


@pytest.mark.parametrize(
    ("statements", "works"),
    [
        (["ALTER TABLE t ALTER at TYPE timestamptz"], False),
        (["CREATE INDEX ON t (at)", "ALTER TABLE t ALTER at TYPE timestamptz"], True),
        (["ALTER TABLE t ALTER every TYPE interval(6)"], False),
        (["ALTER TABLE t ALTER every TYPE interval"], False),
        (["ALTER TABLE t ALTER every TYPE interval(1)"], True),
    ],
)
def test_a_type_whose_values_stay_as_they_are_is_no_work(
    tables: BaseDatabaseWrapper, statements: list[str], works: bool
) -> None:
    assert ("AM102" in codes(tables, *statements)) is works
