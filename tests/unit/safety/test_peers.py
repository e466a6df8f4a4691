"""What other tools warn of is found here, or not on purpose, and the overview says so row by row."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import migrations, models
from django.db.migrations import Migration
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from auto_migrate.changes.new_objects import NewObjects
from auto_migrate.changes.reading import read_plan
from auto_migrate.databases.offline import offline
from auto_migrate.phases.classify import classify_plan
from auto_migrate.safety.hazards import hazards
from tests.manage import ROOT
from tests.unit.safety.peers import LABELLED, Labelled
from tests.unit.safety.sql_migration import SERVER

KEY = models.BigAutoField(primary_key=True)
BEFORE: list[Operation] = [
    migrations.CreateModel("Customer", [("id", KEY)]),
    migrations.CreateModel(
        "Order",
        [
            ("id", KEY),
            ("word", models.CharField(max_length=50)),
            ("number", models.IntegerField(null=True)),
            ("loose", models.ForeignKey("shop.Customer", models.CASCADE, null=True, db_constraint=False)),
        ],
        options={"indexes": [models.Index(fields=["number"], name="by_number")]},
    ),
]


def codes_in(labelled: Labelled) -> set[str]:
    """Return what is found in the plan of a rule, without any database."""
    state = ProjectState()
    for step in BEFORE:
        step.state_forwards("shop", state)
    operations: list[Any] = [
        migrations.RunSQL(one, migrations.RunSQL.noop) if isinstance(one, str) else one for one in labelled.plan
    ]
    migration = type("Migration", (Migration,), {"operations": operations, **labelled.attributes})("0002_next", "shop")
    [read] = classify_plan(read_plan(offline("default"), [(migration, False)], state))
    return {code for code, hazard in hazards().items() if any(hazard.look(read, SERVER, NewObjects()))}


@pytest.mark.parametrize("labelled", LABELLED, ids=lambda one: f"{one.tool} {one.rule}")
def test_what_another_tool_warns_of_is_found_or_not_on_purpose(labelled: Labelled) -> None:
    found = codes_in(labelled) if labelled.plan else set()
    assert found >= set(labelled.found)
    assert bool(labelled.found) + bool(labelled.purpose) + bool(labelled.missed) == 1
    assert labelled.found or not found


def test_the_overview_has_a_row_for_each_rule() -> None:
    overview = (ROOT / "docs" / "hazards" / "README.md").read_text("utf-8")
    missing = [one.row for one in LABELLED if one.row not in overview.splitlines()]
    assert missing == [], "\n".join(["missing in docs/hazards/README.md:", *missing])
