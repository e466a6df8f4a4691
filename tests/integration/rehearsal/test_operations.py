"""What the rules say of every schema operation that Django has, the rehearsal sees, on both servers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import Migration
from django.db.migrations.operations.base import Operation

from auto_migrate.applying.operation_traits import fits_transaction
from auto_migrate.changes.change import CreateIndex, DropColumn
from auto_migrate.changes.reading import MigrationChanges, OperationChanges, read_plan
from auto_migrate.rehearsal.contradictions import RuleComparison
from auto_migrate.rehearsal.observer import Observer
from auto_migrate.rehearsal.rehearsal_events import Scan, StatementObserved, TakenLock
from auto_migrate.rehearsal.relations import relations
from auto_migrate.rehearsal.sample_rows import fill, filled_tables
from auto_migrate.rehearsal.scratch_executor import ScratchExecutor
from auto_migrate.rehearsal.watcher import watcher_of
from auto_migrate.safety.hazard import ServerFacts
from auto_migrate.safety.plan_assessment import server_of
from auto_migrate.values import MigrationKey
from tests.integration.applying.library import APP
from tests.integration.applying.library_tables import make_library
from tests.integration.applying.schema_cases import CASES, Case

# All of it is `make sweep`.
pytestmark = pytest.mark.sampled(5)

KEY = MigrationKey(APP, "0002_change")
# What an operation put off, the next one takes back before it is sent.
UNDONE = {"add a foreign key, then drop it"}


def migration(operations: Sequence[Operation]) -> Migration:
    class Change(Migration):
        pass

    Change.operations = operations
    return Change(KEY.name, KEY.app_label)


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_nothing_contradicts_the_rules(shop: BaseDatabaseWrapper, case: Case) -> None:
    state = make_library(shop, case.before)
    fill(shop, 30)
    changed = migration(case.operations)
    [read] = read_plan(shop, [(changed, False)], state.clone())
    filled = filled_tables(shop)
    with shop.cursor() as cursor:
        there = relations(cursor)
    with watcher_of(shop) as watcher:
        observer = Observer(shop, watcher, frozenset(there))
        observer.begin(KEY)
        with shop.execute_wrapper(observer):
            ScratchExecutor(shop, python=True, fits=fits_transaction).apply(changed, state, observer.enter)
    found = RuleComparison(server_of(shop), filled).contradictions(read, observer.seen)
    assert [one for one in found if one.table not in case.looser and case.name not in UNDONE] == []


def seen(**took: Any) -> StatementObserved:
    nothing: dict[str, Any] = {"locks": (), "rewrites": (), "rebuilds": (), "scans": ()}
    return StatementObserved(KEY, 1, "…", 1, 0.1, True, **{**nothing, **took})


INDEX = CreateIndex(table="book", name="book_title")
COLUMN = DropColumn(table="book", column="title")


@pytest.mark.parametrize(
    ("change", "observed", "rule", "fact"),
    [
        (
            INDEX,
            seen(locks=(TakenLock("book", "", "ACCESS EXCLUSIVE"),), scans=(Scan("book", 9),)),
            "SHARE, reads all of it",
            "ACCESS EXCLUSIVE, reads all of it",
        ),
        (INDEX, seen(locks=(TakenLock("book", "", "SHARE"),)), "SHARE, reads all of it", "SHARE"),
        (COLUMN, seen(), "ACCESS EXCLUSIVE", "no lock"),
        (
            COLUMN,
            seen(locks=(TakenLock("book", "", "ACCESS EXCLUSIVE"),), rewrites=("book",)),
            "ACCESS EXCLUSIVE",
            "ACCESS EXCLUSIVE, rewrites it",
        ),
    ],
)
def test_a_rule_that_says_something_else_is_told(
    change: Any, observed: StatementObserved, rule: str, fact: str
) -> None:
    operation: Any = None
    read = MigrationChanges(migration([]), False, (OperationChanges(1, operation, (change,)),))
    [told] = RuleComparison(ServerFacts("postgresql", (15,)), frozenset({"book"})).contradictions(read, [observed])
    assert (told.table, told.rule, told.observed) == ("book", rule, fact)
