"""The phase of a migration, told from what it does."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.migrations import Migration
from django.db.migrations.graph import MigrationGraph
from django.db.migrations.operations.special import RunPython, RunSQL, SeparateDatabaseAndState
from django.test import override_settings

from auto_migrate.changes import change as changes
from auto_migrate.changes import object_change
from auto_migrate.changes.change import Change
from auto_migrate.changes.constraints import ConstraintKind
from auto_migrate.changes.reading import MigrationChanges, OperationChanges
from auto_migrate.changes.verbs import DataVerb, EnumVerb, ObjectKind
from auto_migrate.databases.lock_modes import LockMode
from auto_migrate.exceptions import UsageError
from auto_migrate.phases.classify import PhaseClassifier, phase_of
from auto_migrate.phases.phase import Phase, asked_phase
from auto_migrate.values import MigrationKey

TABLE: dict[str, Any] = {"table": "shop_order"}
COLUMN: dict[str, Any] = {**TABLE, "column": "note"}
ADD_COLUMN = changes.AddColumn(**TABLE, column="colour", type="text", null=True)
CREATE_TABLE = changes.CreateTable(**TABLE)
UNIQUE = changes.AddConstraint(**TABLE, name="once", kind=ConstraintKind.UNIQUE, columns=("note",))
PYTHON = changes.RunFunction(table="", function="fill")

ADDITIVE: list[Change] = [
    CREATE_TABLE,
    ADD_COLUMN,
    changes.CreateIndex(**TABLE, name="by_note"),
    changes.DropNotNull(**COLUMN),
    changes.SetDefault(**COLUMN),
    changes.DropConstraint(**TABLE, name="once"),
    changes.AlterType(**COLUMN, old="varchar(10)", new="text"),
    changes.AlterEnum(table="colour", verb=EnumVerb.ADD_VALUE, value="green"),
    object_change.CreateObject(table="totals", kind=ObjectKind.VIEW),
]
DESTRUCTIVE: list[Change] = [
    changes.DropTable(**TABLE),
    changes.DropColumn(**COLUMN),
    changes.DropIndex(**TABLE, name="by_note"),
    changes.SetNotNull(**COLUMN),
    changes.SetNotNull(**COLUMN, keeps_default=True),
    changes.DropDefault(**COLUMN),
    UNIQUE,
    changes.AddConstraint(**TABLE, name="positive", kind=ConstraintKind.CHECK, valid=False),
    changes.CreateIndex(**TABLE, name="once", columns=("note",), unique=True),
    changes.AlterType(**COLUMN, old="text", new="varchar(10)"),
    object_change.DropObject(table="totals", kind=ObjectKind.VIEW),
    object_change.RevokePrivileges(table="shop_order", what="SELECT", roles=("web",)),
]
EITHER: list[Change] = [
    changes.RenameTable(**TABLE, to="shop_purchase"),
    changes.RenameColumn(**COLUMN, to="remark"),
    changes.AlterType(**COLUMN, old="text", new="integer"),
    changes.AlterType(**COLUMN, old="", new="text"),
    changes.AlterEnum(table="colour", verb=EnumVerb.RENAME_VALUE, value="green"),
    object_change.RenameObject(table="total", kind=ObjectKind.FUNCTION, to="sum_of"),
]
NEUTRAL: list[Change] = [
    PYTHON,
    changes.DataChange(**TABLE, verb=DataVerb.UPDATE),
    changes.ValidateConstraint(**TABLE, name="positive"),
    changes.Reindex(**TABLE),
    changes.LockTable(**TABLE, mode=LockMode.SHARE, reason="LOCK TABLE"),
    changes.OpaqueChange(table="", text="DO $$", reason="It is not SQL."),
    changes.CreateIndex(**TABLE, name="note_like", companion=True),
    changes.DropIndex(**TABLE, name="note_like", companion=True),
    changes.AddConstraint(**TABLE, name="key", kind=ConstraintKind.FOREIGN_KEY, again=True),
    changes.DropConstraint(**TABLE, name="key", kind=ConstraintKind.FOREIGN_KEY, again=True),
    object_change.DropObject(table="totals", kind=ObjectKind.VIEW, again=True),
    object_change.CreateObject(table="totals", kind=ObjectKind.VIEW, again=True),
    object_change.CreateObject(table="totals", kind=ObjectKind.VIEW, unsure=True),
]


def kinds(of: list[Change]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("change", of, ids=lambda change: type(change).__name__)


def read(*of: Change, name: str = "0002_next", **attributes: object) -> MigrationChanges:
    """Return a migration with one operation for each change."""
    migration = type("Migration", (Migration,), attributes)(name, "shop")
    operations = [OperationChanges(index, RunPython(RunPython.noop), (change,)) for index, change in enumerate(of, 1)]
    return MigrationChanges(migration, False, tuple(operations))


def indexes(operations: tuple[OperationChanges, ...]) -> list[int]:
    return [operation.index for operation in operations]


@kinds(ADDITIVE)
def test_what_adds_or_loosens_is_for_before_the_deploy(change: Change) -> None:
    phasing = phase_of(read(change))
    assert (phasing.phase, phasing.is_ambiguous, indexes(phasing.additive)) == (Phase.PRE_DEPLOY, False, [1])


@kinds(DESTRUCTIVE)
def test_what_removes_or_tightens_is_for_after_it(change: Change) -> None:
    phasing = phase_of(read(change))
    assert (phasing.phase, phasing.is_ambiguous, indexes(phasing.destructive)) == (Phase.POST_DEPLOY, False, [1])


@kinds(EITHER)
def test_what_hurts_both_releases_is_ambiguous(change: Change) -> None:
    phasing = phase_of(read(change))
    assert (phasing.phase, phasing.is_ambiguous, indexes(phasing.either)) == (Phase.PRE_DEPLOY, True, [1])


@kinds(NEUTRAL)
def test_what_nobody_minds_goes_with_what_it_stands_beside(change: Change) -> None:
    assert phase_of(read(change)).phase is Phase.PRE_DEPLOY
    assert phase_of(read(change, ADD_COLUMN)).phase is Phase.PRE_DEPLOY
    beside = phase_of(read(change, changes.DropColumn(**COLUMN)))
    assert (beside.phase, beside.is_ambiguous) == (Phase.POST_DEPLOY, False)


def test_nothing_at_all_is_for_before_the_deploy() -> None:
    assert phase_of(read()) == phase_of(read(name="0003_merge"))
    assert phase_of(read()).phase is Phase.PRE_DEPLOY


def test_both_in_one_migration_are_ambiguous_and_named() -> None:
    phasing = phase_of(read(ADD_COLUMN, PYTHON, changes.DropColumn(**COLUMN)))
    assert phasing.is_ambiguous
    assert (phasing.phase, indexes(phasing.additive), indexes(phasing.destructive)) == (Phase.PRE_DEPLOY, [1], [3])


@pytest.mark.parametrize("phase", ["pre_deploy", "post_deploy", Phase.POST_DEPLOY])
def test_what_the_class_declares_counts(phase: str) -> None:
    phasing = phase_of(read(ADD_COLUMN, changes.DropColumn(**COLUMN), phase=phase))
    assert (phasing.phase, phasing.declared, phasing.is_ambiguous) == (phase, True, False)


@pytest.mark.parametrize("phase", ["later", "", True, 1, ["post_deploy"]])
def test_a_declared_phase_that_there_is_not_is_a_usage_error(phase: object) -> None:
    with override_settings(AUTO_MIGRATE={"PHASES": True}), pytest.raises(UsageError, match="there is no phase"):
        phase_of(read(ADD_COLUMN, phase=phase))
    assert not phase_of(read(ADD_COLUMN, phase=phase)).declared


@kinds([change for change in [*DESTRUCTIVE, *EITHER] if change.table == TABLE["table"]])
def test_a_table_that_the_plan_makes_is_nobodys_yet(change: Change) -> None:
    classifier = PhaseClassifier()
    classifier.phase_of(read(CREATE_TABLE, changes.CreateIndex(**TABLE, name="by_note")))
    phasing = classifier.phase_of(read(change))
    assert (phasing.phase, phasing.is_ambiguous) == (Phase.PRE_DEPLOY, False)


def test_a_new_table_stays_new_under_another_name() -> None:
    renamed = changes.RenameTable(**TABLE, to="shop_purchase")
    dropped = changes.DropColumn(table="shop_purchase", column="note")
    assert phase_of(read(CREATE_TABLE, renamed, dropped)).destructive == ()


@pytest.mark.parametrize(
    "change",
    [
        changes.DropColumn(**TABLE, column="colour"),
        changes.RenameColumn(**TABLE, column="colour", to="tint"),
        changes.SetNotNull(**TABLE, column="colour", keeps_default=True),
        changes.AddConstraint(**TABLE, name="one", kind=ConstraintKind.UNIQUE, columns=("colour",)),
        changes.CreateIndex(**TABLE, name="one", columns=("colour",), unique=True),
        # The old code leaves the column NULL, which is like nothing else.
        changes.AddConstraint(**TABLE, name="one", kind=ConstraintKind.UNIQUE, columns=("colour", "note")),
        changes.CreateIndex(**TABLE, name="one", columns=("colour", "note"), unique=True),
    ],
    ids=lambda change: type(change).__name__,
)
def test_a_column_that_the_plan_adds_is_nobodys_yet(change: Change) -> None:
    assert phase_of(read(ADD_COLUMN, change)).destructive == ()


@pytest.mark.parametrize(
    "change",
    [
        # The old code leaves the column out, and nothing fills it.
        changes.SetNotNull(**TABLE, column="colour"),
        changes.AddConstraint(
            **TABLE, name="one", kind=ConstraintKind.UNIQUE, columns=("colour", "note"), nulls_distinct=False
        ),
        changes.AddConstraint(**TABLE, name="two", kind=ConstraintKind.CHECK, columns=("colour", "note")),
        changes.AddConstraint(**TABLE, name="any", kind=ConstraintKind.CHECK),
        changes.DropColumn(table="shop_customer", column="colour"),
    ],
    ids=lambda change: type(change).__name__,
)
def test_what_more_than_the_new_column_can_feel_is_not(change: Change) -> None:
    assert indexes(phase_of(read(ADD_COLUMN, change)).destructive) == [2]


def test_an_index_that_the_plan_itself_made_may_go_again() -> None:
    index = changes.CreateIndex(**TABLE, name="by_note")
    assert phase_of(read(index, changes.DropIndex(table="", name="by_note"))).destructive == ()


# -- dependencies -----------------------------------------------------------------------------------------------------

NAMES = ["0001_first", "0002_second", "0003_third", "0004_fourth"]
DROP = changes.DropColumn(**COLUMN)


def chain() -> MigrationGraph:
    """Return migrations of which each depends on the one before."""
    graph = MigrationGraph()
    for name in NAMES:
        graph.add_node(("shop", name), Migration(name, "shop"))
    for child, parent in zip(NAMES[1:], NAMES, strict=False):
        graph.add_dependency(None, ("shop", child), ("shop", parent))
    return graph


def phases(*of: Change | None, **options: Any) -> list[tuple[str, list[str]]]:
    """Return the phase of each migration of a chain, and what it comes too early for."""
    classifier, found = PhaseClassifier(chain(), **options), []
    for name, change in zip(NAMES[len(NAMES) - len(of) :], of, strict=True):
        phasing = classifier.phase_of(read(*([change] if change else []), name=name))
        early = phasing.behind if phasing.comes_too_early else ()
        found.append((phasing.phase.value, [key.name for key in early]))
    return found


def test_what_depends_on_a_later_one_and_is_needed_comes_too_early() -> None:
    assert phases(ADD_COLUMN, DROP, ADD_COLUMN, PYTHON) == [
        ("pre_deploy", []),
        ("post_deploy", []),
        ("pre_deploy", ["0002_second"]),
        ("pre_deploy", ["0002_second"]),
    ]


def test_what_nobody_needs_waits_with_what_it_depends_on() -> None:
    validate = changes.ValidateConstraint(**TABLE, name="positive")
    assert phases(DROP, None, validate, DROP) == [("post_deploy", [])] * 4


@pytest.mark.parametrize("reason", ["CREATE TRIGGER", "CREATE POLICY", "ATTACH PARTITION"])
def test_what_the_new_code_may_count_on_does_not_wait_unasked(reason: str) -> None:
    made = changes.LockTable(**TABLE, mode=LockMode.SHARE_ROW_EXCLUSIVE, reason=reason)
    assert phases(DROP, made) == [("post_deploy", []), ("pre_deploy", ["0003_third"])]


@pytest.mark.parametrize(("sql", "phase"), [("GRANT SELECT ON t TO web", "pre_deploy"), (RunSQL.noop, "post_deploy")])
def test_nor_does_sql_of_which_no_change_is_known(sql: str, phase: str) -> None:
    classifier = PhaseClassifier(chain())
    classifier.phase_of(read(DROP, name="0001_first"))
    granted = OperationChanges(1, SeparateDatabaseAndState([RunSQL(sql)]), ())
    assert classifier.phase_of(MigrationChanges(Migration("0002_second", "shop"), False, (granted,))).phase == phase


def test_what_was_taken_out_of_the_plan_is_known() -> None:
    deferred = [MigrationKey("shop", "0003_third")]
    assert phases(ADD_COLUMN, deferred=deferred) == [("pre_deploy", ["0003_third"])]


# -- what is asked for ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("on", "said", "named", "phase"),
    [
        (False, None, False, None),
        (False, "all", False, None),
        (True, None, False, Phase.PRE_DEPLOY),
        (True, None, True, None),
        (True, "all", True, None),
        (True, "all", False, None),
        (True, "pre_deploy", False, Phase.PRE_DEPLOY),
        (True, "post_deploy", False, Phase.POST_DEPLOY),
    ],
)
def test_the_phase_of_a_run(on: bool, said: str | None, named: bool, phase: Phase | None) -> None:
    with override_settings(AUTO_MIGRATE={"PHASES": on}):
        assert asked_phase(said, named=named) is phase


@pytest.mark.parametrize(
    ("on", "said", "named"),
    [(False, "pre_deploy", False), (False, "post_deploy", False), (True, "post_deploy", True), (True, "later", False)],
)
def test_a_phase_that_cannot_be_had(on: bool, said: str, named: bool) -> None:
    settings = override_settings(AUTO_MIGRATE={"PHASES": on, "BRIDGES": False})
    with settings, pytest.raises(UsageError) as refused:
        asked_phase(said, named=named)
    assert refused.value.hint


def test_bridges_come_down_after_the_deploy_where_phases_are_off() -> None:
    with override_settings(AUTO_MIGRATE={"PHASES": False, "BRIDGES": True}):
        assert asked_phase("post_deploy") is Phase.POST_DEPLOY
