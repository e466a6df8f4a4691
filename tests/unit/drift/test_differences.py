"""What is told of two tables, and what of it somebody has wanted so."""

from __future__ import annotations

import pytest
from django.db import migrations

from auto_migrate.drift.custom_ddl import CustomDdl
from auto_migrate.drift.detection import is_of_bridge
from auto_migrate.drift.differences import Difference, DifferenceKind, ObjectType, compare_tables
from auto_migrate.drift.table_shape import Column, TableConstraint, TableShape
from auto_migrate.values import Bridge, BridgeKind, MigrationKey

COLUMN = Column("n", "integer", not_null=True)
OLD, NEW = "CHECK (a = ANY ((ARRAY['x'])::text[]))", "CHECK (a = ANY (ARRAY[('x')::text]))"


def told(expected: TableShape, actual: TableShape) -> list[tuple[str, str, str]]:
    """Return the differences of two tables in short."""
    return [(str(one.part), str(one.kind), one.name) for one in compare_tables(expected, actual)]


def ruled(*rules: TableConstraint) -> TableShape:
    """Return a table of one column with constraints or indexes."""
    return TableShape("t", {"n": COLUMN}, rules)


@pytest.mark.parametrize(
    ("expected", "actual", "differences"),
    [
        (TableConstraint("i", "", "USING btree (n)"), TableConstraint("i", "by_hand", "USING btree (n)"), []),
        (
            TableConstraint("i", "named", "USING btree (n)"),
            TableConstraint("i", "other", "USING btree (n)"),
            [("index", "different", "other")],
        ),
        (TableConstraint("c", "a", OLD, restored=frozenset({NEW})), TableConstraint("c", "a", NEW), []),
        (TableConstraint("c", "a", OLD), TableConstraint("c", "a", NEW), [("constraint", "different", "a")]),
        (TableConstraint("u", "", "UNIQUE (n)"), TableConstraint("i", "x", "UNIQUE USING btree (n)"), [
            ("constraint", "missing", ""), ("index", "extra", "x"),
        ]),
        (TableConstraint("f", "", "FOREIGN KEY (n) REFERENCES t(id) DEFERRABLE", ("n",)),
         TableConstraint("f", "x", "FOREIGN KEY (n) REFERENCES t(id)", ("n",)), [("constraint", "different", "x")]),
    ],
)  # fmt: skip
def test_rules_are_the_same_by_what_they_say(
    expected: TableConstraint, actual: TableConstraint, differences: list[tuple[str, str, str]]
) -> None:
    assert told(ruled(expected), ruled(actual)) == differences


def test_what_is_called_by_a_name_is_found_before_what_is_not() -> None:
    named, nameless = TableConstraint("i", "named", "USING btree (n)"), TableConstraint("i", "", "USING btree (n)")
    there = ruled(TableConstraint("i", "named", "USING btree (n)"), TableConstraint("i", "n_idx", "USING btree (n)"))
    assert told(ruled(nameless, named), there) == []


@pytest.mark.parametrize(
    ("kind", "difference"),
    [
        (
            BridgeKind.DEFAULT,
            Difference("t", ObjectType.DEFAULT, DifferenceKind.EXTRA, "n", actual="0", columns=("n",)),
        ),
        (BridgeKind.NOT_NULL, Difference("t", ObjectType.COLUMN, DifferenceKind.DIFFERENT, "n", columns=("n",))),
        (BridgeKind.FOREIGN_KEY, Difference("t", ObjectType.CONSTRAINT, DifferenceKind.MISSING, columns=("n",))),
    ],
)
def test_what_a_bridge_changes_is_no_drift(kind: BridgeKind, difference: Difference) -> None:
    key = MigrationKey("shop", "0002")
    assert is_of_bridge(difference, Bridge(kind, key, "t", "n"))
    assert not is_of_bridge(difference, Bridge(kind, key, "t", "m"))
    assert not is_of_bridge(difference, Bridge(BridgeKind.FILL, key, "t", "n"))


@pytest.mark.parametrize(
    ("sql", "difference", "is_known"),
    [
        ("CREATE INDEX i ON t (n)", Difference("t", ObjectType.INDEX, DifferenceKind.EXTRA, "i", columns=("n",)), True),
        ("UPDATE t SET n = 1", Difference("t", ObjectType.COLUMN, DifferenceKind.EXTRA, "n", columns=("n",)), False),
        (
            "ALTER TABLE t ADD m integer; UPDATE t SET n = 1",
            Difference("t", ObjectType.COLUMN, DifferenceKind.EXTRA, "n", columns=("n",)),
            False,
        ),
        (
            "ALTER TABLE t ADD n int",
            Difference("t", ObjectType.COLUMN, DifferenceKind.MISSING, "n", columns=("n",)),
            False,
        ),
        ("ALTER TABLE t DROP n", Difference("t", ObjectType.COLUMN, DifferenceKind.MISSING, "n", columns=("n",)), True),
        (
            "ALTER TABLE u DROP n",
            Difference("t", ObjectType.COLUMN, DifferenceKind.DIFFERENT, "n", columns=("n",)),
            False,
        ),
        (
            "CREATE INDEX i ON t (n)",
            Difference("t", ObjectType.INDEX, DifferenceKind.INVALID, "i", columns=("n",)),
            False,
        ),
    ],
)
def test_a_difference_is_its_own_sqls_if_that_names_it(sql: str, difference: Difference, *, is_known: bool) -> None:
    migration = migrations.Migration("0002", "shop")
    vars(migration)["operations"] = [migrations.RunSQL(sql)]
    assert (CustomDdl([migration]).author_of(difference, "shop") is not None) is is_known
