"""What is said of each change is what PostgreSQL's own locks and messages show."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from django.contrib.postgres.operations import AddConstraintNotValid, ValidateConstraint
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import operations as ops
from django.db.migrations.migration import Migration
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models import Q
from django.db.models.functions import Now, Random

from auto_migrate.applying.locks.operation_locks import LockNeeds
from auto_migrate.changes.reading import read_plan
from auto_migrate.databases.lock_modes import LockMode
from auto_migrate.safety.effects import Blocks, Effect, effects
from auto_migrate.safety.hazard import ServerFacts
from tests.integration.applying.library import APP, to
from tests.integration.applying.library_tables import advance, make_library, taken_by
from tests.integration.applying.schema_cases import CASES, Case, case, char, field

# All of it is `make sweep`.
pytestmark = pytest.mark.sampled(5)

# What the server says of its work at DEBUG1; the tables are empty, which makes no difference to it.
WORK = re.compile(r'(?:rewriting|verifying) table "(?P<table>\w+)"|building index "\w+" on table "(?P<indexed>\w+)"')
REWRITING = re.compile(r'rewriting table "(\w+)"')
BOTH = re.compile(r'verifying tables "(\w+)" and "(\w+)"')
VALIDATING = re.compile(r'validating foreign key constraint "(\w+)"')
ENDS = "SELECT conrelid::regclass::text, confrelid::regclass::text FROM pg_constraint WHERE conname = ANY(%s)"

AGED = ops.AlterField("Author", "age", models.IntegerField())
FILLED = models.CheckConstraint(condition=Q(age__isnull=False), name="author_has_age")
CONDITIONS = {
    "as a constraint does": Q(age__isnull=False),
    "as a constraint does, twice negated": ~Q(age__isnull=True),
    "as a constraint does by a comparison": ~Q(age=None),
    "as a constraint does among other things": Q(age__gt=0) & Q(Q(age__isnull=False), name__gt=""),
    "as a constraint does, perhaps": Q(age__isnull=False) | Q(name__gt=""),
    "as a constraint does of another column": Q(name__isnull=False),
    "though a constraint compares": Q(age__gt=0),
}


def refused(name: str, condition: Q) -> Case:
    constraint = models.CheckConstraint(condition=condition, name="author_has_age")
    return case(f"refuse nulls {name}", AGED, before=[ops.AddConstraint("Author", constraint)])


WORKING = [
    case("add a field with a volatile default", ops.AddField("Book", "x", models.FloatField(db_default=Random()))),
    case("add a field with a stable default", ops.AddField("Book", "x", models.DateTimeField(db_default=Now()))),
    case("add a small positive field", ops.AddField("Book", "x", models.PositiveSmallIntegerField(null=True))),
    case("refuse nulls", AGED),
    *(refused(name, condition) for name, condition in CONDITIONS.items()),
    case(
        "validate a constraint",
        ValidateConstraint("Author", FILLED.name),
        before=[AddConstraintNotValid("Author", FILLED)],
    ),
    case("widen a text", field("Tag", "word", char(90))),
    case("narrow a text", field("Tag", "word", char(9))),
    case("take a length away", field("Tag", "word", models.TextField())),
    case("set a length", field("Novel", "plot", char(9))),
    case("widen a number", field("Author", "rating", models.PositiveBigIntegerField(default=0))),
    case("another collation without an index", field("Tag", "word", char(30, db_collation="C"))),
    case("another collation under an index", field("Author", "name", char(50, db_index=True, db_collation="C"))),
    case("add a foreign key that is filled", ops.AddField("Tag", "book", to("Book", default=1))),
]
ALL = [*CASES, *WORKING]


def told_of(connection: BaseDatabaseWrapper, state: ProjectState, operations: Iterable[Operation]) -> Iterator[Effect]:
    """Return the effects of operations, against the states that they lead through."""
    server = ServerFacts("postgresql", (connection.pg_version // 10000,))  # type: ignore[attr-defined]
    migration: Any = Migration("0002_change", APP)
    migration.operations = list(operations)
    [read] = read_plan(connection, [(migration, False)], state)
    for _operation, change in read.changes():
        yield from effects(change, server)


def strongest(told: Iterable[Effect], there: set[str]) -> dict[str, int]:
    """Return the strongest lock on each table that is there, of those that hold somebody up."""
    modes: dict[str, int] = {}
    for effect in told:
        if effect.mode is not None and effect.blocks is not Blocks.NOTHING and effect.table in there:
            modes[effect.table] = max(int(effect.mode), modes.get(effect.table, 0))
    return modes


def messages_of(connection: BaseDatabaseWrapper, state: ProjectState, operations: Iterable[Operation]) -> list[str]:
    """Carry out operations and take them back; give what the server says of its work."""
    said: list[str] = []
    raw: Any = connection.connection

    def hear(diagnostic: Any) -> None:
        said.append(diagnostic.message_primary)

    raw.add_notice_handler(hear)
    try:
        with connection.schema_editor() as editor, connection.cursor() as cursor:
            cursor.execute("SET LOCAL client_min_messages = debug1")
            for operation in operations:
                advance(editor, state, [operation])
                keys = [match[1] for text in said if (match := VALIDATING.match(text))]
                cursor.execute(ENDS, [keys])
                said += [f'verifying tables "{one}" and "{other}"' for one, other in cursor.fetchall()]
            connection.set_rollback(True)
    finally:
        raw.remove_notice_handler(hear)
    return said


def worked_on(said: Iterable[str], there: set[str]) -> Iterator[str]:
    """Name the tables that the server read; nothing is read for the keys of a table that is new."""
    for text in said:
        if match := WORK.match(text):
            yield match["table"] or match["indexed"]
        elif (match := BOTH.match(text)) and match[1] in there:
            yield from match.groups()


@pytest.mark.parametrize("case", ALL, ids=[case.name for case in ALL])
def test_the_locks_and_the_work_told_are_those_seen(shop: BaseDatabaseWrapper, case: Case) -> None:
    state = make_library(shop, case.before)
    there, ahead = set(shop.introspection.table_names()), LockNeeds(APP, state).of(case.operations)
    told = list(told_of(shop, state.clone(), case.operations))
    taken = {
        table: mode for table, mode in taken_by(shop, state.clone(), case.operations).items() if mode >= LockMode.SHARE
    }
    locks = strongest(told, there)
    assert not {table: mode for table, mode in taken.items() if mode > locks.get(table, 0)}, f"told {locks}"
    assert {table for table, mode in locks.items() if mode > taken.get(table, 0)} <= set(case.looser), f"taken {taken}"
    assert not {table: mode for table, mode in taken.items() if mode > ahead.get(table, 0)}, f"told ahead {ahead}"

    said = messages_of(shop, state, case.operations)
    rewritten = {match[1] for text in said if (match := REWRITING.match(text))} & there
    worked = set(worked_on(said, there)) & there
    assert {effect.table for effect in told if effect.rewrites and effect.table in there} == rewritten, said
    working = {effect.table for effect in told if effect.works and effect.table in there}
    assert worked <= working, said
    assert working - worked <= set(case.looser), said
