"""What is told of two tables, and what of it somebody has wanted so."""

from __future__ import annotations

import pytest
from django.db import migrations

from auto_migrate.drift.detection import is_of_bridge
from auto_migrate.drift.differences import Difference, DifferenceKind, Part, compare_tables
from auto_migrate.drift.own_ddl import OwnDdl
from auto_migrate.drift.table_shape import Column, Rule, TableShape
from auto_migrate.values import Bridge, BridgeKind, MigrationKey

COLUMN = Column("n", "integer", not_null=True)
OLD, NEW = "CHECK (a = ANY ((ARRAY['x'])::text[]))", "CHECK (a = ANY (ARRAY[('x')::text]))"


def told(expected: TableShape, actual: TableShape) -> list[tuple[str, str, str]]:
    """Return the differences of two tables in short."""
    return [(str(one.part), str(one.kind), one.name) for one in compare_tables(expected, actual)]


def ruled(*rules: Rule) -> TableShape:
    """Return a table of one column with constraints or indexes."""
    return TableShape("t", {"n": COLUMN}, rules)


@pytest.mark.parametrize(
    ("expected", "actual", "differences"),
    [
        (Rule("i", "", "USING btree (n)"), Rule("i", "by_hand", "USING btree (n)"), []),
        (
            Rule("i", "named", "USING btree (n)"),
            Rule("i", "other", "USING btree (n)"),
            [("index", "different", "other")],
        ),
        (Rule("c", "a", OLD, restored=frozenset({NEW})), Rule("c", "a", NEW), []),
        (Rule("c", "a", OLD), Rule("c", "a", NEW), [("constraint", "different", "a")]),
        (Rule("u", "", "UNIQUE (n)"), Rule("i", "x", "UNIQUE USING btree (n)"), [
            ("constraint", "missing", ""), ("index", "extra", "x"),
        ]),
        (Rule("f", "", "FOREIGN KEY (n) REFERENCES t(id) DEFERRABLE", ("n",)),
         Rule("f", "x", "FOREIGN KEY (n) REFERENCES t(id)", ("n",)), [("constraint", "different", "x")]),
    ],
)  # fmt: skip
def test_rules_are_the_same_by_what_they_say(
    expected: Rule, actual: Rule, differences: list[tuple[str, str, str]]
) -> None:
    assert told(ruled(expected), ruled(actual)) == differences


def test_what_is_called_by_a_name_is_found_before_what_is_not() -> None:
    named, nameless = Rule("i", "named", "USING btree (n)"), Rule("i", "", "USING btree (n)")
    there = ruled(Rule("i", "named", "USING btree (n)"), Rule("i", "n_idx", "USING btree (n)"))
    assert told(ruled(nameless, named), there) == []


@pytest.mark.parametrize(
    ("kind", "difference"),
    [
        (BridgeKind.DEFAULT, Difference("t", Part.DEFAULT, DifferenceKind.EXTRA, "n", actual="0", columns=("n",))),
        (BridgeKind.NOT_NULL, Difference("t", Part.COLUMN, DifferenceKind.DIFFERENT, "n", columns=("n",))),
        (BridgeKind.FOREIGN_KEY, Difference("t", Part.CONSTRAINT, DifferenceKind.MISSING, columns=("n",))),
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
        ("CREATE INDEX i ON t (n)", Difference("t", Part.INDEX, DifferenceKind.EXTRA, "i", columns=("n",)), True),
        ("UPDATE t SET n = 1", Difference("t", Part.COLUMN, DifferenceKind.EXTRA, "n", columns=("n",)), False),
        ("ALTER TABLE t ADD m integer; UPDATE t SET n = 1",
         Difference("t", Part.COLUMN, DifferenceKind.EXTRA, "n", columns=("n",)), False),
        ("ALTER TABLE t ADD n int", Difference("t", Part.COLUMN, DifferenceKind.MISSING, "n", columns=("n",)), False),
        ("ALTER TABLE t DROP n", Difference("t", Part.COLUMN, DifferenceKind.MISSING, "n", columns=("n",)), True),
        ("ALTER TABLE u DROP n", Difference("t", Part.COLUMN, DifferenceKind.DIFFERENT, "n", columns=("n",)), False),
        ("CREATE INDEX i ON t (n)", Difference("t", Part.INDEX, DifferenceKind.INVALID, "i", columns=("n",)), False),
    ],
)  # fmt: skip
def test_a_difference_is_its_own_sqls_if_that_names_it(sql: str, difference: Difference, *, is_known: bool) -> None:
    migration = migrations.Migration("0002", "shop")
    vars(migration)["operations"] = [migrations.RunSQL(sql)]
    assert (OwnDdl([migration]).author_of(difference, "shop") is not None) is is_known
