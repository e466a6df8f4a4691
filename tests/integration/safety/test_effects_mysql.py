"""What is said of each statement is what MariaDB agrees to do while others write."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import OperationalError, connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import operations as ops
from django.db.migrations.migration import Migration
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from pytest_django import DjangoDbBlocker

from auto_migrate.applying.table_alterations import copies_online
from auto_migrate.changes.change import (
    AddColumn,
    AddConstraint,
    AlterType,
    Change,
    CreateIndex,
    Default,
    DropColumn,
    DropIndex,
    DropNotNull,
    SetDefault,
    SetNotNull,
)
from auto_migrate.changes.constraints import ConstraintKind
from auto_migrate.changes.new_objects import NewObjects
from auto_migrate.changes.reading import read_plan
from auto_migrate.phases.classify import classify_plan
from auto_migrate.safety.effects import Blocks, effects
from auto_migrate.safety.hazard import ServerFacts
from auto_migrate.safety.hazards import hazards
from tests.integration.applying.library import APP, library, to
from tests.integration.applying.schema_cases import char
from tests.integration.databases.aliases import alias

TABLES = """
    CREATE TABLE customer (id bigint PRIMARY KEY) ENGINE=InnoDB;
    CREATE TABLE parcel (id bigint PRIMARY KEY, customer_id bigint NOT NULL, code varchar(20) NOT NULL,
        name varchar(100) NOT NULL, size integer NOT NULL, weight integer, KEY parcel_code (code))
        ENGINE=InnoDB DEFAULT CHARSET=utf8mb4
"""
TWICE = models.GeneratedField(expression=models.F("pages") * 2, output_field=models.IntegerField(), db_persist=True)
# What the server refuses to do in the way that the clause asks for.
REFUSED = {1845, 1846}


def column(default: Default = Default.NONE, **options: object) -> AddColumn:
    return AddColumn(table="parcel", column="it", type="integer", null=True, default=default, **options)  # type: ignore[arg-type]


def typed(name: str, old: str, new: str) -> AlterType:
    return AlterType(table="parcel", column=name, old=old, new=new)


def constraint(kind: ConstraintKind) -> AddConstraint:
    return AddConstraint(table="parcel", name="it", kind=kind)


CASES: list[tuple[Change, str]] = [
    (column(), "ADD it integer"),
    (column(Default.CONSTANT), "ADD it integer NOT NULL DEFAULT 7"),
    (column(Default.VOLATILE), "ADD it char(36) NOT NULL DEFAULT (concat(id))"),
    (column(Default.GENERATED), "ADD it integer GENERATED ALWAYS AS (size * 2) STORED"),
    (column(unique=True), "ADD it integer UNIQUE"),
    (column(checked=True), "ADD it integer CHECK (it >= 0)"),
    (column(references="customer"), "ADD it bigint, ADD CONSTRAINT it FOREIGN KEY (it) REFERENCES customer (id)"),
    (DropColumn(table="parcel", column="weight"), "DROP weight"),
    (typed("size", "integer", "bigint"), "MODIFY size bigint NOT NULL"),
    (typed("code", "varchar(20)", "varchar(60)"), "MODIFY code varchar(60) NOT NULL"),
    (typed("code", "varchar(20)", "varchar(10)"), "MODIFY code varchar(10) NOT NULL"),
    (typed("name", "varchar(100)", "varchar(200)"), "MODIFY name varchar(200) NOT NULL"),
    (typed("name", "varchar(100)", "longtext"), "MODIFY name longtext NOT NULL"),
    (SetNotNull(table="parcel", column="weight"), "MODIFY weight integer NOT NULL"),
    (DropNotNull(table="parcel", column="size"), "MODIFY size integer NULL"),
    (SetDefault(table="parcel", column="size"), "ALTER size SET DEFAULT 7"),
    (constraint(ConstraintKind.UNIQUE), "ADD CONSTRAINT it UNIQUE (code)"),
    (constraint(ConstraintKind.CHECK), "ADD CONSTRAINT it CHECK (size >= 0)"),
    (constraint(ConstraintKind.FOREIGN_KEY), "ADD CONSTRAINT it FOREIGN KEY (customer_id) REFERENCES customer (id)"),
    (CreateIndex(table="parcel", name="it"), "ADD INDEX it (name)"),
    (DropIndex(table="parcel", name="parcel_code"), "DROP INDEX parcel_code"),
]


@pytest.fixture
def parcels(mariadb_url: str, django_db_blocker: DjangoDbBlocker) -> Iterator[BaseDatabaseWrapper]:
    with django_db_blocker.unblock(), alias("parcels", mariadb_url) as name:
        with connections[name].cursor() as cursor:
            for statement in TABLES.split(";"):
                cursor.execute(statement)
        yield connections[name]


def agrees(connection: BaseDatabaseWrapper, alteration: str) -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE parcel {alteration}")
    except OperationalError as error:
        if error.args[0] in REFUSED:
            return False
        raise
    return True


@pytest.mark.parametrize(("change", "alteration"), CASES, ids=[alteration for _change, alteration in CASES])
def test_who_waits_is_told(parcels: BaseDatabaseWrapper, change: Change, alteration: str) -> None:
    [effect] = effects(change, ServerFacts("mysql", parcels.mysql_version))  # type: ignore[attr-defined]
    lets_write = agrees(parcels, f"{alteration}, LOCK=NONE")
    assert effect.blocks is (Blocks.NOTHING if lets_write else Blocks.WRITES)


@pytest.mark.parametrize(("change", "alteration"), CASES, ids=[alteration for _change, alteration in CASES])
def test_what_is_said_to_be_done_at_once_is(parcels: BaseDatabaseWrapper, change: Change, alteration: str) -> None:
    [effect] = effects(change, ServerFacts("mysql", parcels.mysql_version))  # type: ignore[attr-defined]
    way = "NOCOPY" if parcels.mysql_is_mariadb else "INPLACE"  # type: ignore[attr-defined]
    assert effect.works or agrees(parcels, f"{alteration}, ALGORITHM={way}, LOCK=NONE")


HELD_UP: list[tuple[list[str], Operation]] = [
    ([], ops.AddField("Book", "x", char(null=True, unique=True))),
    ([], ops.AddIndex("Book", models.Index(fields=["title"], name="by_title"))),
    ([], ops.AlterField("Tag", "word", char(60))),
    ([], ops.AlterField("Author", "age", models.IntegerField(default=0))),
    (["AM102"], ops.AlterField("Author", "age", models.BigIntegerField(null=True))),
    (["AM105"], ops.AddConstraint("Author", models.CheckConstraint(condition=models.Q(age__gte=0), name="aged"))),
    (["AM106"], ops.AddField("Tag", "book", to("Book", null=True))),
    (["AM101"], ops.AddField("Book", "twice", TWICE)),
]


@pytest.mark.parametrize(("expected", "operation"), HELD_UP)
def test_what_holds_writes_up_is_found(parcels: BaseDatabaseWrapper, expected: list[str], operation: Operation) -> None:
    state = ProjectState()
    for step in library():
        step.state_forwards(APP, state)
    migration: Any = Migration("0002_change", APP)
    migration.operations = [operation]
    [read] = classify_plan(read_plan(parcels, [(migration, False)], state))
    server = ServerFacts("mysql", parcels.mysql_version)  # type: ignore[attr-defined]
    asked = [hazard for hazard in hazards().values() if "mysql" in hazard.vendors and hazard.code < "AM2"]
    found = [hazard.code for hazard in asked for _found in hazard.look(read, server, NewObjects())]
    assert found == ([] if copies_online(parcels) else expected)
