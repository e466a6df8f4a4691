"""Which statements a change is about, and when it can be told that there is none."""

from __future__ import annotations

import sys

import pytest

from auto_migrate.changes.change import (
    AddColumn,
    AddConstraint,
    AlterEnum,
    Change,
    DropColumn,
    DropDefault,
    DropTable,
    RenameColumn,
    SetNotNull,
)
from auto_migrate.changes.constraints import ConstraintKind
from auto_migrate.changes.verbs import EnumVerb
from auto_migrate.workload.impact import Impact, WorkloadImpact, elided, told
from auto_migrate.workload.statement import RecordedStatement, Workload

SELECT = RecordedStatement("SELECT a, b FROM t WHERE id = $1", 1204, ("web",))
INSERT = RecordedStatement("INSERT INTO t (a) VALUES ($1)", 7, ("web", "job"), frozenset({1}))
OTHER = RecordedStatement("SELECT b FROM other", 10_000)
EVERY = Workload((INSERT, OTHER, SELECT), "a list")


def account(change: Change, workload: Workload = EVERY) -> Impact:
    found = WorkloadImpact(workload).impact_of(change)
    assert found is not None
    return found


CHECK = AddConstraint(table="t", name="c", kind=ConstraintKind.CHECK, columns=("a",))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (DropColumn(table="t", column="b"), [f"{SELECT.text} reads this column: 1,204 calls, role web"]),
        (RenameColumn(table="t", column="a", to="x"), [
            f"{SELECT.text} reads this column: 1,204 calls, role web",
            f"{INSERT.text} writes this column: 7 calls, roles web, job",
        ]),
        (DropColumn(table="t", column="gone"), []),
        (DropTable(table="other"), [f"{OTHER.text} uses this table: 10,000 calls"]),
        (AddColumn(table="t", column="new", type="int", null=False), [
            f"{INSERT.text} leaves this column out: 7 calls, roles web, job"
        ]),
        (DropDefault(table="t", column="a"), []),
        (SetNotNull(table="t", column="a"), [f"{INSERT.text} writes NULL to this column: 7 calls, roles web, job"]),
        (SetNotNull(table="t", column="b"), [f"{INSERT.text} leaves this column out: 7 calls, roles web, job"]),
        (SetNotNull(table="t", column="b", keeps_default=True), []),
        (CHECK, [f"{INSERT.text} writes what it holds to account: 7 calls, roles web, job"]),
    ],
)  # fmt: skip
def test_what_is_said_of_a_change(change: Change, said: list[str]) -> None:
    assert [str(each) for each in account(change).affected] == said


def test_nothing_can_be_said_of_the_values_of_an_enum() -> None:
    assert WorkloadImpact(EVERY).impact_of(AlterEnum(table="state", verb=EnumVerb.RENAME_VALUE, value="x")) is None


def test_what_depends_on_values_is_not_certain() -> None:
    assert [each.certain for each in account(CHECK).affected] == [False]
    assert [each.certain for each in account(DropColumn(table="t", column="b")).affected] == [True]


def test_only_a_list_without_gaps_clears() -> None:
    gone = DropColumn(table="t", column="gone")
    assert account(gone).clears
    assert not account(gone, Workload(EVERY.statements, "a list", ("a gap",))).clears
    assert not account(DropColumn(table="t", column="b")).clears


def test_what_no_parser_reads_clears_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pglast", None)
    star = Workload((RecordedStatement("SELECT * FROM t"),), "a list")
    found = account(DropColumn(table="t", column="gone"), star)
    assert (found.affected, found.clears) == ((), False)
    assert found.doubts == ("statements on it that the parser does not read: 1",)
    [each] = account(DropColumn(table="t", column="b"), Workload((SELECT,), "a list")).affected
    assert (each.certain, each.deed) == (False, "may use this column")


@pytest.mark.parametrize(
    ("used", "table", "same"),
    [("s.t", "t", True), ("t", "s.t", True), ("s.t", 's"."t', True), ("s.t", "r.t", False), ("tt", "t", False)],
)
def test_a_name_without_a_schema_may_be_of_any(used: str, table: str, same: bool) -> None:
    workload = Workload((RecordedStatement(f"SELECT a FROM {used}"),), "a list")
    assert bool(account(DropTable(table=table), workload).affected) is same


def test_a_long_statement_is_shown_with_its_end_and_without_controls() -> None:
    text = elided('SELECT "\x1b[31m", ' + "a, " * 200 + "b FROM t WHERE c = $1")
    assert len(text) <= 110
    assert text.endswith("b FROM t WHERE c = $1")
    assert "\x1b" not in text


def test_of_many_statements_the_first_are_shown() -> None:
    many = Workload(tuple(RecordedStatement(f"SELECT a{n}, b FROM t", n) for n in range(5)), "a list")
    lines = list(told(account(DropColumn(table="t", column="b"), many).affected))
    assert [line.split(",")[0] for line in lines] == ["SELECT a4", "SELECT a3", "SELECT a2", "2 more statements do so."]
