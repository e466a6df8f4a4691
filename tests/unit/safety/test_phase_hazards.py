"""What AM505 and AM506 say, and when they leave it to others."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import models
from django.db.migrations import AddField, AlterField, Migration, RemoveField, RenameField
from django.db.migrations.graph import MigrationGraph
from django.db.migrations.operations.base import Operation

from auto_migrate.changes import change as changes
from auto_migrate.changes.change import Change
from auto_migrate.changes.new_objects import NewObjects
from auto_migrate.changes.reading import MigrationChanges, OperationChanges
from auto_migrate.phases.classify import PhaseClassifier
from auto_migrate.safety.hazard import Found, ServerFacts
from auto_migrate.safety.hazards import hazards

SERVER = ServerFacts("postgresql", (15,))
NOTE: dict[str, Any] = {"table": "shop_order", "column": "note"}
Step = tuple[Operation, list[Change]]

ADD: Step = (
    AddField("order", "colour", models.TextField(null=True)),
    [changes.AddColumn(table="shop_order", column="colour", type="text", null=True)],
)
DROP: Step = (RemoveField("order", "note"), [changes.DropColumn(**NOTE)])
RENAME: Step = (RenameField("order", "note", "remark"), [changes.RenameColumn(**NOTE, to="remark")])
TIGHTEN: Step = (
    AlterField("order", "note", models.TextField(db_default="")),
    [changes.SetDefault(**NOTE), changes.SetNotNull(**NOTE, keeps_default=True)],
)


def retyped(old: str) -> Step:
    return AlterField("order", "note", models.IntegerField()), [changes.AlterType(**NOTE, old=old, new="integer")]


def found(code: str, *steps: Step, phases: bool = True) -> list[Found]:
    """Return what a hazard finds in the last of two migrations, of which the first drops a column."""
    graph, names = MigrationGraph(), ("0001_first", "0002_second")
    for name in names:
        graph.add_node(("shop", name), Migration(name, "shop"))
    if code == "AM506":
        graph.add_dependency(None, ("shop", names[1]), ("shop", names[0]))
    classifier = PhaseClassifier(graph, kept=phases)
    reads = []
    for name, its in zip(names, ([DROP], steps), strict=True):
        operations = [OperationChanges(index, operation, tuple(told)) for index, (operation, told) in enumerate(its, 1)]
        read = MigrationChanges(Migration(name, "shop"), False, tuple(operations))
        reads.append(classifier.classify(read))
    return list(hazards()[code].look(reads[1], SERVER, NewObjects()))


def test_both_phases_in_one_migration_are_named_and_told_apart() -> None:
    [one] = found("AM505", ADD, DROP)
    assert "before the deploy, since the new code needs it: 1. Add field colour to order." in one.problem
    assert "running release needs what goes: 2. Remove field note from order." in one.problem
    first, second = one.instead.split("# 2\n")
    assert ("AddField" in first, "RemoveField" in first) == (True, False)
    assert ("AddField" in second, "RemoveField" in second) == (False, True)


def test_one_operation_of_both_phases_is_to_be_declared() -> None:
    [one] = found("AM505", TIGHTEN)
    assert 'phase = "post_deploy"' in one.instead
    assert "1. Alter field note on order" in one.problem


@pytest.mark.parametrize("steps", [[RENAME], [RENAME, ADD], [retyped("text")]])
def test_what_is_a_hazard_of_its_own_is_not_told_twice(steps: list[Step]) -> None:
    assert found("AM505", *steps) == []


@pytest.mark.parametrize("steps", [[RENAME, DROP], [retyped("")], [retyped("text"), DROP]])
def test_what_nobody_else_tells_of_is_told(steps: list[Step]) -> None:
    [one] = found("AM505", *steps)
    assert "For neither, since both releases are hurt: 1. " in one.problem


def test_what_comes_too_early_names_what_it_is_behind() -> None:
    [one] = found("AM506", ADD)
    assert "shop.0002_second" in one.problem
    assert "shop.0001_first" in one.problem
    assert "manage.py auto_migrate --phase post_deploy" in one.instead
    assert found("AM506", DROP) == []


@pytest.mark.parametrize(("code", "steps"), [("AM505", [ADD, DROP]), ("AM506", [ADD])])
def test_neither_is_a_hazard_where_phases_are_off(code: str, steps: list[Step]) -> None:
    assert found(code, *steps, phases=False) == []
