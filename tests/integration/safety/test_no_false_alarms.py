"""What resembles a hazard and is none, and what hides one behind something harmless."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import Migration
from django.db.migrations import operations as ops
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models import options
from django.db.models.functions import Cast
from django.test import override_settings

from auto_migrate.changes.new_objects import NewObjects
from auto_migrate.changes.reading import read_plan
from auto_migrate.phases.classify import classify_plan
from auto_migrate.phases.phase import Phase
from auto_migrate.safety.hazard import Found, ServerFacts
from auto_migrate.safety.hazards import hazards
from tests.integration.applying.library import APP, library, to
from tests.integration.safety.pairs import on_one_server

pytestmark = on_one_server

WITH_PHASES = override_settings(AUTO_MIGRATE={"PHASES": True})


def judged(
    shop: BaseDatabaseWrapper, *operations: Operation, **attributes: Any
) -> tuple[Phase, dict[str, list[Found]]]:
    """Return the phase of one migration of the library, and what is found in it."""
    state = ProjectState()
    for operation in library():
        operation.state_forwards(APP, state)
    assert state.apps
    migration = type("Next", (Migration,), {"operations": list(operations), **attributes})("0002_next", APP)
    [read] = classify_plan(read_plan(shop, [(migration, False)], state))
    server, new = ServerFacts("postgresql", (18,)), NewObjects()
    found = {code: list(hazard.look(read, server, new)) for code, hazard in hazards().items()}
    return read.decision.phase, {code: some for code, some in found.items() if some}


@WITH_PHASES
def test_a_foreign_key_that_takes_no_null_any_more_waits_and_is_not_ambiguous(shop: BaseDatabaseWrapper) -> None:
    before = ops.SeparateDatabaseAndState(state_operations=[ops.AlterField("Loan", "reader", to("Author", null=True))])
    phase, found = judged(shop, before, ops.AlterField("Loan", "reader", to("Author")))
    assert phase is Phase.POST_DEPLOY
    assert "AM505" not in found


@WITH_PHASES
def test_what_is_unique_in_more_columns_than_before_refuses_nothing_new(shop: BaseDatabaseWrapper) -> None:
    phase, found = judged(
        shop,
        ops.RemoveConstraint("Book", "book_once"),
        ops.AddConstraint("Book", models.UniqueConstraint(fields=["title", "author", "pages"], name="book_once")),
    )
    assert phase is Phase.PRE_DEPLOY
    assert not {"AM405", "AM505"} & found.keys()


@WITH_PHASES
def test_what_is_unique_in_fewer_columns_or_under_a_condition_less_does(shop: BaseDatabaseWrapper) -> None:
    for fields in (["title"], ["title", "pages"]):
        once = models.UniqueConstraint(fields=fields, name="book_once")
        _phase, found = judged(shop, ops.RemoveConstraint("Book", "book_once"), ops.AddConstraint("Book", once))
        assert "AM505" in found


@pytest.mark.parametrize("phases", [False, True])
def test_what_is_unique_with_a_column_that_is_null_so_far_refuses_nothing(
    shop: BaseDatabaseWrapper, phases: bool
) -> None:
    added = ops.AddField("Book", "part", models.IntegerField(null=True))
    once = ops.AddConstraint("Book", models.UniqueConstraint(fields=["title", "part"], name="once"))
    never = models.UniqueConstraint(fields=["title", "part"], name="once", nulls_distinct=False)
    with override_settings(AUTO_MIGRATE={"PHASES": phases}):
        assert not {"AM405", "AM505"} & judged(shop, added, once)[1].keys()
        assert ("AM505" if phases else "AM405") in judged(shop, added, ops.AddConstraint("Book", never))[1]
        filled = ops.AddField("Book", "part", models.IntegerField(db_default=1))
        assert ("AM505" if phases else "AM405") in judged(shop, filled, once)[1]


@pytest.mark.parametrize(
    ("field", "is_filled"),
    [
        (models.IntegerField(db_default=None), False),
        (models.IntegerField(db_default=models.Value(None)), False),
        (models.IntegerField(db_default=Cast(models.Value(None), models.IntegerField())), False),
        (models.JSONField(db_default=None), True),
        (models.IntegerField(db_default=0), True),
    ],
)
def test_null_is_no_default_of_what_takes_no_null(
    shop: BaseDatabaseWrapper, field: models.Field[Any, Any], is_filled: bool
) -> None:
    assert ("AM403" in judged(shop, ops.AddField("Author", "more", field))[1]) is not is_filled


def test_a_default_that_comes_in_the_same_transaction_is_one(shop: BaseDatabaseWrapper) -> None:
    added = ops.AddField("Author", "more", models.IntegerField(default=0), preserve_default=False)
    given = ops.RunSQL("ALTER TABLE library_author ALTER more SET DEFAULT 0", ops.RunSQL.noop)
    assert "AM403" not in judged(shop, added, given)[1]
    assert "AM403" in judged(shop, added, given, atomic=False)[1]
    assert "AM403" in judged(shop, given, added)[1]


def test_of_a_column_that_the_plan_adds_nobody_writes_null_by_name(shop: BaseDatabaseWrapper) -> None:
    added = ops.AddField("Author", "more", models.IntegerField(null=True))
    tightened = ops.AlterField("Author", "more", models.IntegerField())
    [one] = judged(shop, added, tightened)[1]["AM404"]
    assert "does not know" in one.problem
    filled = ops.AddField("Author", "more", models.IntegerField(null=True, db_default=0))
    assert "AM404" not in judged(shop, filled, ops.AlterField("Author", "more", models.IntegerField(db_default=0)))[1]


def test_what_is_dropped_and_made_again_is_not_gone(shop: BaseDatabaseWrapper) -> None:
    again = ops.RunSQL("DROP VIEW v; CREATE VIEW v AS SELECT 1", ops.RunSQL.noop)
    assert "AM410" not in judged(shop, again)[1]
    assert "AM410" in judged(shop, again, atomic=False)[1]
    with WITH_PHASES:
        assert "AM505" not in judged(shop, ops.AddField("Author", "more", models.IntegerField(null=True)), again)[1]


class FakeAddIndex(ops.AddIndex):
    """Change the state alone."""

    def database_forwards(self, *_asked: Any) -> None:
        """Do nothing."""


def test_an_operation_that_says_that_it_does_nothing_is_believed(shop: BaseDatabaseWrapper) -> None:
    index = models.Index(fields=["word"], name="by_word")
    assert not judged(shop, FakeAddIndex("Tag", index))[1]


def test_the_triggers_of_a_package_are_known_and_told_once(
    shop: BaseDatabaseWrapper, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As its app does when it is ready.
    monkeypatch.setattr(options, "DEFAULT_NAMES", (*options.DEFAULT_NAMES, "triggers"))
    pgtrigger = pytest.importorskip("pgtrigger.migrations")
    compiler = pytest.importorskip("pgtrigger.compiler")
    sql = compiler.UpsertTriggerSql(
        func="RETURN NEW;", hash="h", operation="INSERT", pgid="pgtrigger_x", table="library_tag", when="AFTER"
    )
    adds = [
        pgtrigger.AddTrigger(model_name="tag", trigger=compiler.Trigger(name=name, sql=sql)) for name in ("one", "two")
    ]
    found = judged(shop, *adds)[1]
    assert set(found) == {"AM115"}
    assert len(found["AM115"]) == 1


def rename(apps: Any, _editor: Any) -> None:
    apps.get_model("library", "Tag").objects.filter(pk=1).update(word="")


def test_what_only_reads_is_no_data_beside_a_change_of_the_schema(shop: BaseDatabaseWrapper) -> None:
    added = ops.AddField("Author", "more", models.IntegerField(null=True))
    assert "AM501" in judged(shop, added, ops.RunPython(rename, ops.RunPython.noop))[1]
    assert "AM501" not in judged(shop, added, ops.RunPython(looks, ops.RunPython.noop))[1]


def looks(apps: Any, _editor: Any) -> None:
    assert not apps.get_model("library", "Tag").objects.filter(word="").exists()


def test_a_copy_waits_until_the_old_code_writes_no_more(shop: BaseDatabaseWrapper) -> None:
    typed = judged(shop, ops.AlterField("Author", "age", models.BigIntegerField(null=True)))[1]
    [one] = typed["AM102"]
    _add, copy, *_rest = one.instead.split("\n\n# ")
    assert 'phase = "post_deploy"' in one.instead[len(_add) :]
    assert "update(age_new=" in one.instead
    assert copy
