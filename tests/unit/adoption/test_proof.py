"""What tables that are at one version or another say of the migrations that made them."""

from __future__ import annotations

import pytest
from django.contrib.postgres.operations import HStoreExtension, ValidateConstraint
from django.db import migrations, models
from django.db.migrations.operations.base import Operation

from auto_migrate.adoption.proof import Proof
from auto_migrate.adoption.table_versions import Version, VersionedTable
from auto_migrate.adoption.unprovable import is_provable
from auto_migrate.drift.table_shape import Column, TableShape
from auto_migrate.operations import Backfill


def shape(*columns: str) -> TableShape:
    """Return a table of columns."""
    return TableShape("t", {name: Column(name, "integer", not_null=False) for name in columns})


def table(name: str, *versions: tuple[int, TableShape | None]) -> VersionedTable:
    """Return a table that migrations, by number, make so."""
    return VersionedTable(name, f'"{name}"', name[0], [Version(since, found) for since, found in versions])


def proof(tables: list[VersionedTable], actual: dict[str, TableShape], migrations: int) -> Proof:
    """Return what is proven of migrations each of which depends on the one before."""
    return Proof(tables, actual, [frozenset({number - 1} if number else ()) for number in range(migrations)])


A = (-1, None), (0, shape("id")), (1, shape("id", "a"))


@pytest.mark.parametrize(
    ("there", "reached"),
    [
        ({}, 0),
        ({"t": shape("id")}, 1),
        ({"t": shape("id", "a")}, 2),
        # What no version has does not count.
        ({"t": shape("id", "a", "legacy")}, 2),
        ({"t": shape("a")}, 0),
    ],
)
def test_a_table_proves_what_made_it_as_it_is(there: dict[str, TableShape], reached: int) -> None:
    assert proof([table("t", *A)], there, 2).there == frozenset(range(reached))


def test_of_two_versions_that_are_alike_the_later_counts_unless_another_table_is_before_it() -> None:
    back = table("t", (-1, None), (0, shape("id", "a")), (1, shape("id")), (2, shape("id", "a")))
    there = {"t": shape("id", "a"), "u": shape("id")}
    assert proof([back], there, 3).there == {0, 1, 2}
    other = table("u", (-1, None), (0, shape("id")), (2, shape("id", "b")))
    assert proof([back, other], there, 3).there == {0}


def test_a_column_that_a_migration_removes_says_that_it_did_not() -> None:
    removed = table("t", (-1, None), (0, shape("id", "old")), (1, shape("id")))
    assert proof([removed], {"t": shape("id", "old")}, 2).there == {0}
    # As before the migration by one column, as after it by another.
    mixed = table("t", (-1, None), (0, shape("id", "old")), (1, shape("id", "new")))
    found = proof([mixed], {"t": shape("id", "old", "new")}, 2)
    assert (found.there, [one.table for one in found.contradictions("t")]) == (frozenset(), ["t"])


def test_what_does_not_count_is_not_told_as_what_keeps_a_table_from_being_adopted() -> None:
    found = proof([table("t", *A)], {"t": shape("a", "legacy")}, 2)
    [contradiction] = found.contradictions("t")
    assert [(str(one.kind), one.name) for one in contradiction.differences] == [("missing", "id")]


def test_what_is_there_by_half_is_told_with_what_it_lacks() -> None:
    found = proof(
        [table("ta", (-1, None), (0, shape("id"))), table("tb", (-1, None), (0, shape("id")))], {"ta": shape("id")}, 1
    )
    assert found.there == frozenset()
    assert [(one.table, [str(gap.kind) for gap in one.differences]) for one in found.contradictions("t")] == [
        ("tb", ["missing"])
    ]
    # One that is further says nothing of the others.
    further, other = table("ta", *A), table("tb", (-1, None), (0, shape("id")))
    found = proof([further, other], {"ta": shape("id", "a")}, 2)
    assert [one.table for one in found.contradictions("t")] == ["tb"]


def test_an_empty_database_gives_no_evidence() -> None:
    gone = table("t", (-1, None), (0, shape("id")), (1, None))
    found = proof([gone], {}, 2)
    assert found.there == {0, 1}
    assert not any(map(found.is_evident, range(2)))


class OwnWay(migrations.AddField):
    """What a project carries out in a way of its own, with Django's own promise to the state."""

    def database_forwards(self, *_args: object) -> None:
        """Do as it likes."""


class OwnPromise(migrations.AddField):
    """What promises something of its own."""

    def state_forwards(self, *_args: object) -> None:
        """Promise nothing."""


FIELD = ("m", "n", models.IntegerField())


@pytest.mark.parametrize(
    ("operation", "provable"),
    [
        (migrations.AddField(*FIELD), True),
        (OwnWay(*FIELD), True),
        (OwnPromise(*FIELD), False),
        (migrations.RunPython(lambda _apps, _editor: None), False),
        (migrations.RunPython(migrations.RunPython.noop), True),
        (migrations.RunSQL("SELECT 1"), False),
        (migrations.RunSQL(migrations.RunSQL.noop), True),
        (migrations.SeparateDatabaseAndState([migrations.RunSQL("SELECT 1")], []), False),
        (migrations.SeparateDatabaseAndState([], [migrations.AddField(*FIELD)]), True),
        (Backfill("shop.Order", "order_total", set={"total": 1}), False),
        (HStoreExtension(), True),
        (ValidateConstraint("m", "n"), True),
        (Operation(), False),
    ],
)
def test_what_leaves_nothing_in_a_schema_is_not_proven_by_one(operation: Operation, provable: bool) -> None:
    assert is_provable(operation) is provable
