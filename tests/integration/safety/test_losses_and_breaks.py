"""What the hazards that lose data or break the running release say, case by case."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

import pytest
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import Migration
from django.db.migrations import operations as ops
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models.functions import Cast
from django.test import override_settings

from auto_migrate.changes.new_objects import NewObjects
from auto_migrate.changes.reading import read_plan
from auto_migrate.phases.classify import classify_plan
from auto_migrate.safety.hazard import Found, ServerFacts
from auto_migrate.safety.hazards import hazards
from auto_migrate.safety.hazards.am303_type_narrowed import narrows
from tests.integration.applying.library import APP, library, to
from tests.integration.safety.pairs import on_one_server

pytestmark = on_one_server


def found(shop: BaseDatabaseWrapper, code: str, *operations: Operation, **options: Any) -> list[Found]:
    """Return what one hazard finds in one migration of the library."""
    state = ProjectState()
    for operation in library():
        operation.state_forwards(APP, state)
    assert state.apps
    migration = type("Next", (Migration,), {"operations": list(operations), **options})("0002_next", APP)
    [read] = classify_plan(read_plan(shop, [(migration, False)], state))
    return list(hazards()[code].look(read, ServerFacts("postgresql", (18,)), NewObjects()))


LATE = {"phase": "post_deploy"}
WITH_PHASES = override_settings(AUTO_MIGRATE={"PHASES": True})


def test_a_forgotten_foreign_key_does_not_keep_rows_from_being_deleted(shop: BaseDatabaseWrapper) -> None:
    [one] = found(shop, "AM301", ops.RemoveField("Loan", "reader"))
    assert "db_constraint=False" in one.instead
    assert "null=True" in one.instead


def test_a_column_that_may_be_left_out_needs_no_loosening(shop: BaseDatabaseWrapper) -> None:
    [one] = found(shop, "AM301", ops.RemoveField("Author", "age"))
    assert "AlterField" not in one.instead


def test_without_phases_no_declaration_is_believed_of_a_loss(shop: BaseDatabaseWrapper) -> None:
    drop = ops.RunSQL("ALTER TABLE library_author DROP COLUMN age")
    assert found(shop, "AM301", drop)
    assert found(shop, "AM301", drop, **LATE)
    assert found(shop, "AM302", ops.RunSQL("DROP TABLE library_book_tags"), **LATE)
    assert found(shop, "AM301", ops.RemoveField("Author", "age"), **LATE)


@WITH_PHASES
def test_with_phases_a_declaration_is_believed_of_a_loss(shop: BaseDatabaseWrapper) -> None:
    assert not found(shop, "AM301", ops.RunSQL("ALTER TABLE library_author DROP COLUMN age"), **LATE)
    assert not found(shop, "AM301", ops.RemoveField("Author", "age"), **LATE)
    assert not found(shop, "AM301", ops.RemoveField("Author", "rating"), **LATE)
    assert found(shop, "AM301", ops.RemoveField("Author", "age"))


NEEDED = [
    ops.RemoveField("Author", "rating"),
    ops.RemoveField("Loan", "reader"),
    ops.RemoveField("Book", "tags"),
    ops.DeleteModel("Chapter"),
]


@WITH_PHASES
@pytest.mark.parametrize("attributes", [LATE, {}], ids=["declared", "by itself"])
def test_what_waits_for_the_old_code_and_keeps_the_new_one_from_writing_is_a_harm_of_its_own(
    shop: BaseDatabaseWrapper, attributes: dict[str, str]
) -> None:
    for operation in NEEDED:
        [one] = found(shop, "AM409", operation, **attributes)
        assert "AlterField" in one.instead, operation.describe()
    assert not found(shop, "AM409", ops.RemoveField("Author", "age"), **attributes)


@WITH_PHASES
def test_a_default_that_a_unique_column_holds_only_once_does_not_help_the_new_code(shop: BaseDatabaseWrapper) -> None:
    field = models.CharField(max_length=30, unique=True, db_default="")
    state = ops.SeparateDatabaseAndState(state_operations=[ops.AlterField("Tag", "word", field)])
    assert found(shop, "AM409", state, ops.RemoveField("Tag", "word"), **LATE)


def test_without_phases_nothing_waits_that_could_be_needed(shop: BaseDatabaseWrapper) -> None:
    assert not found(shop, "AM409", ops.RemoveField("Author", "rating"))
    assert not found(shop, "AM409", ops.RemoveField("Author", "rating"), **LATE)


@WITH_PHASES
def test_with_phases_what_tightens_waits_for_the_old_code_by_itself(shop: BaseDatabaseWrapper) -> None:
    require = ops.AlterField("Author", "age", models.IntegerField())
    assert not found(shop, "AM404", require)
    with override_settings(AUTO_MIGRATE={}):
        assert found(shop, "AM404", require)
        assert found(shop, "AM404", require, **LATE)


def test_a_deleted_model_is_one_finding_and_so_is_a_many_to_many_field(shop: BaseDatabaseWrapper) -> None:
    [one] = found(shop, "AM302", ops.DeleteModel("Chapter"))
    assert 'migrations.DeleteModel("Chapter")' in one.instead
    [one] = found(shop, "AM302", ops.RemoveField("Book", "tags"))
    assert 'migrations.RemoveField("book", "tags")' in one.instead


def test_a_renamed_model_is_one_finding_with_the_tables_of_its_many_to_many_fields(shop: BaseDatabaseWrapper) -> None:
    rename = ops.RenameModel("Shelf", "Board")
    [one] = found(shop, "AM402", rename)
    assert (one.table, one.others) == ("library_shelf", ("library_shelf_beside",))
    assert found(shop, "AM401", rename) == []
    assert found(shop, "AM405", rename) == []


@pytest.mark.parametrize(
    ("field", "written"),
    [
        (models.IntegerField(default=3), "models.IntegerField(db_default=3, default=3)"),
        (models.DateTimeField(auto_now_add=True), "db_default=django.db.models.functions.datetime.Now()"),
        (models.TextField(blank=True), "models.TextField(blank=True, db_default='')"),
        (models.UUIDField(default=uuid.uuid4), "null=True"),
        (to("Author", default=1), "null=True"),
        (models.OneToOneField(f"{APP}.Author", models.CASCADE, default=1), "null=True"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, models.Field) else "",
)
def test_a_required_column_is_written_so_that_writers_can_leave_it_out(
    shop: BaseDatabaseWrapper, field: Any, written: str
) -> None:
    [one] = found(shop, "AM403", ops.AddField("Tag", "new", field))
    assert written in one.instead


def test_a_default_for_old_rows_alone_does_not_get_into_the_model(shop: BaseDatabaseWrapper) -> None:
    add = ops.AddField("Tag", "new", models.IntegerField(default=3), preserve_default=False)
    [one] = found(shop, "AM403", add)
    assert "models.IntegerField(db_default=3)" in one.instead


def computed(expression: Any, output: models.Field[Any, Any] | None = None, **options: Any) -> ops.AddField:
    field = output or models.IntegerField()
    return ops.AddField(
        "Author", "new", models.GeneratedField(expression=expression, output_field=field, db_persist=True, **options)
    )


REFUSING = [
    [computed(models.F("age"), unique=True)],
    [computed(models.F("age") / 2)],
    [computed(Cast("name", models.IntegerField()))],
    [ops.RunSQL("ALTER TABLE library_author ADD new int GENERATED ALWAYS AS (age) STORED CHECK (new > 0)")],
    [ops.RunSQL("ALTER TABLE library_author ADD new int GENERATED ALWAYS AS (age) STORED UNIQUE")],
    [computed(models.F("age")), ops.AlterUniqueTogether("Author", {("new", "rating")})],
    [computed(models.F("age")), ops.RunSQL("CREATE UNIQUE INDEX made ON library_author (new)")],
]


@pytest.mark.parametrize("operations", REFUSING)
def test_a_computed_column_refuses_what_the_running_release_writes(
    shop: BaseDatabaseWrapper, operations: list[Operation]
) -> None:
    assert len(found(shop, "AM405", *operations)) == 1


def test_a_computed_column_that_takes_any_row_refuses_nothing(shop: BaseDatabaseWrapper) -> None:
    assert not found(shop, "AM405", computed(models.F("age") + 1))
    assert not found(shop, "AM405", computed(models.F("name"), models.TextField()))


def test_a_constraint_that_is_made_again_is_none_that_old_code_does_not_know(shop: BaseDatabaseWrapper) -> None:
    assert not found(shop, "AM405", ops.AlterField("Loan", "reader", to("Author", null=True)))
    assert found(shop, "AM405", ops.AlterField("Loan", "reader", to("Publisher")))


NARROWER = [
    ("varchar(50)", "varchar(20)"),
    ("text", "varchar(20)"),
    ("bigint", "integer"),
    ("integer", "smallint"),
    ("numeric(12, 2)", "numeric(12, 4)"),
    ("numeric(12, 2)", "integer"),
    ("double precision", "integer"),
    ("double precision", "real"),
    ("timestamp with time zone", "date"),
    ("text", "integer"),
    ("varchar(50)", "uuid"),
    ("integer", "boolean"),
]
WIDER = [
    ("varchar(20)", "varchar(50)"),
    ("varchar(20)", "text"),
    ("integer", "bigint"),
    ("integer", "integer"),
    ("integer", "numeric(12, 2)"),
    ("integer", "text"),
    ("uuid", "text"),
    ("date", "timestamp with time zone"),
    ("text", "jsonb"),
    ("", "integer"),
]


def ids(pairs: Iterable[tuple[str, str]]) -> list[str]:
    return [f"{old} to {new}" for old, new in pairs]


@pytest.mark.parametrize(("old", "new"), NARROWER, ids=ids(NARROWER))
def test_a_type_is_narrower_if_it_cannot_hold_all_values(shop: BaseDatabaseWrapper, old: str, new: str) -> None:
    assert narrows(old, new)


@pytest.mark.parametrize(("old", "new"), WIDER, ids=ids(WIDER))
def test_a_type_is_not_narrower_if_it_can(shop: BaseDatabaseWrapper, old: str, new: str) -> None:
    assert not narrows(old, new)


def test_a_text_too_short_for_the_numbers_that_were_there_is_one_finding(shop: BaseDatabaseWrapper) -> None:
    # Django's cast cuts them: USING "age"::varchar(3).
    shorten = ops.AlterField("Author", "age", models.CharField(max_length=3, null=True))
    assert found(shop, "AM303", shorten)
    assert not found(shop, "AM408", shorten)
    longer = ops.AlterField("Author", "age", models.CharField(max_length=11, null=True))
    assert not found(shop, "AM303", longer)
    assert found(shop, "AM408", longer)


@pytest.mark.parametrize("valid", [True, False])
def test_a_constraint_to_which_the_old_rows_were_never_held_proves_nothing(
    shop: BaseDatabaseWrapper, valid: bool
) -> None:
    check = "CONSTRAINT aged CHECK (age IS NOT NULL)"
    state = ProjectState()
    constraint = models.CheckConstraint(condition=models.Q(age__isnull=False), name="aged")
    for step in (*library(), ops.AddConstraint("Author", constraint)):
        step.state_forwards(APP, state)
    require = [ops.AlterField("Author", "age", models.IntegerField())]
    validate = [ops.RunSQL("ALTER TABLE library_author VALIDATE CONSTRAINT aged")]

    def judged(*operations: Operation) -> list[Found]:
        migration = type("Next", (Migration,), {"operations": list(operations)})("0002_next", APP)
        [read] = classify_plan(read_plan(shop, [(migration, False)], state.clone()))
        return list(hazards()["AM104"].look(read, ServerFacts("postgresql", (18,)), NewObjects()))

    with shop.cursor() as cursor:
        cursor.execute("CREATE TABLE library_author (age integer)")
        try:
            cursor.execute(f"ALTER TABLE library_author ADD {check}{'' if valid else ' NOT VALID'}")
            assert bool(judged(*require)) is not valid
            assert not judged(*validate, *require)
        finally:
            cursor.execute("DROP TABLE library_author")
