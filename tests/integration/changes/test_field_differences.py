"""What is passed over without rendering a model is what Django sends nothing for."""

from __future__ import annotations

import itertools
import os
from typing import Any

import pytest
from django.contrib.postgres.fields import ArrayField
from django.db import connection, models
from django.db import migrations as m
from django.db.migrations.state import ModelState, ProjectState
from django.db.models.functions import Now

from auto_migrate.applying.states.lazy_state import LazyState, advance
from auto_migrate.changes.field_differences import is_for_python

pytestmark = pytest.mark.django_db(transaction=True)


class Named(models.IntegerField):  # type: ignore[type-arg] # the stubs alone make it generic
    """A field of a project's own that names its column after what the database otherwise never sees."""

    def get_attname_column(self) -> tuple[str, str]:
        attname, column = super().get_attname_column()
        return attname, f"{column}_{len(str(self.verbose_name or ''))}"


class Careful(models.IntegerField):  # type: ignore[type-arg] # likewise
    """A field of a project's own whose label the database does see."""

    non_db_attrs = tuple(name for name in models.Field.non_db_attrs if name != "help_text")


# What the database need not know of, so that each may take the place of each.
LABELS: list[Any] = [
    models.IntegerField(),
    models.IntegerField("A label"),
    models.IntegerField(help_text="Some help.", choices=[(1, "one"), (2, "two")]),
    models.IntegerField(blank=True, editable=False, error_messages={"invalid": "No."}),
    models.IntegerField(db_column="field"),
]
FIELDS: list[Any] = [
    *LABELS,
    models.IntegerField(default=1),
    models.IntegerField(null=True),
    models.IntegerField(unique=True),
    models.IntegerField(db_index=True),
    models.IntegerField(db_column="other"),
    models.IntegerField(db_comment="Said of the column."),
    models.IntegerField(db_default=1),
    models.IntegerField(db_default=models.Value(1), help_text="Some help."),
    models.BigIntegerField(),
    models.PositiveIntegerField(),
    models.DateTimeField(db_default=Now()),
    models.DateTimeField(auto_now=True),
    models.CharField(max_length=10),
    models.CharField(max_length=11),
    models.CharField(max_length=10, db_collation="C"),
    models.DecimalField(max_digits=5, decimal_places=2),
    models.ForeignKey("app.Other", models.CASCADE, null=True),
    models.ForeignKey("app.Other", models.PROTECT, null=True, related_name="back"),
    models.OneToOneField("app.Other", models.CASCADE, null=True),
    ArrayField(models.IntegerField()),
    ArrayField(models.IntegerField(help_text="Some help.")),
    Named(),
    Named("A label"),
    Careful(),
    Careful(help_text="Some help."),
]


def state_with(field: models.Field[Any, Any]) -> LazyState:
    key = ("id", models.BigAutoField(primary_key=True))
    made = ModelState("app", "Made", [key, ("field", field.clone())]), ModelState("app", "Other", [key])
    return LazyState.of(ProjectState({(one.app_label, one.name_lower): one for one in made}))


def look(old: models.Field[Any, Any], new: models.Field[Any, Any], *, preserve: bool) -> tuple[bool, list[str]]:
    """Return whether the alteration would be passed over, and return what Django sends for it."""
    operation = m.AlterField("Made", "field", new.clone(), preserve_default=preserve)
    before, after = advance(state_with(old), "app", operation)
    with connection.schema_editor(collect_sql=True, atomic=False) as editor:
        passed = is_for_python(operation, "app", before, editor)
        operation.database_forwards("app", editor, before, after)
    return passed, [str(statement) for statement in editor.collected_sql]


@pytest.mark.parametrize("preserve", [True, False])
def test_what_is_passed_over_sends_nothing(preserve: bool) -> None:
    passed = 0
    for old, new in list(itertools.permutations(FIELDS, 2))[:: 1 if "SWEEP" in os.environ else 11]:
        try:
            over, sent = look(old, new, preserve=preserve)
        except ValueError:
            # Django refuses to turn a many-to-many field into a column, and the other way round.
            continue
        assert not (over and sent), (old.deconstruct(), new.deconstruct())
        passed += over
    assert passed


@pytest.mark.parametrize(("old", "new"), list(itertools.permutations(LABELS, 2)))
def test_a_label_is_passed_over_and_no_model_is_rendered(old: Any, new: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    operation = m.AlterField("Made", "field", new.clone())
    before, _after = advance(state_with(old), "app", operation)
    monkeypatch.setattr(ModelState, "render", pytest.fail)
    with connection.schema_editor(collect_sql=True, atomic=False) as editor:
        assert is_for_python(operation, "app", before, editor)
    assert before.models["app", "made"].fields["field"].name is None


def test_an_operation_or_an_editor_of_a_projects_own_kind_is_asked_itself() -> None:
    class Telling(m.AlterField):
        def database_forwards(self, *arguments: Any) -> None:
            super().database_forwards(*arguments)

    before = state_with(LABELS[0])
    with connection.schema_editor(collect_sql=True, atomic=False) as editor:
        assert not is_for_python(Telling("Made", "field", LABELS[1].clone()), "app", before, editor)
        assert not is_for_python(m.AlterField("Made", "gone", LABELS[1].clone()), "app", before, editor)

        class Noting(type(editor)):  # type: ignore[misc] # whatever the vendor's is
            def alter_field(self, *arguments: Any) -> None:
                super().alter_field(*arguments)

    with Noting(connection, collect_sql=True, atomic=False) as noting:
        assert not is_for_python(m.AlterField("Made", "field", LABELS[1].clone()), "app", before, noting)
