"""What cannot be judged stops no deploy, and is told with the reason that is true."""

from __future__ import annotations

import pytest
from django.db import connection, models
from django.db import migrations as m
from django.db.migrations import Migration
from django.db.migrations.state import ProjectState

from auto_migrate.changes.reading import read_plan
from auto_migrate.phases.classify import classify_plan
from auto_migrate.safety.assessment import assess
from auto_migrate.safety.hazards import hazards
from auto_migrate.safety.plan_assessment import server_of


def migration(*operations: m.operations.base.Operation) -> Migration:
    """Return a migration of the app `shop`."""
    found: Migration = type("Migration", (Migration,), {"operations": list(operations)})("0002_change", "shop")
    return found


@pytest.mark.django_db
def test_a_hazard_that_raises_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def look(*_asked: object) -> None:
        raise ZeroDivisionError("nothing to weigh")

    monkeypatch.setattr(hazards()["AM302"], "look", look)
    create = m.CreateModel("A", [("id", models.BigAutoField(primary_key=True))])
    plan = classify_plan(read_plan(connection, [(migration(create), False)], ProjectState()))
    [judged] = assess(plan, server_of(connection)).migrations
    assert [(finding.code, finding.problem) for finding in judged.findings] == [
        ("AM507", "AM302 could not judge this migration (ZeroDivisionError: nothing to weigh).")
    ]
