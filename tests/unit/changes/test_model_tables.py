"""Tables are called what Django calls them once their models are rendered."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection, migrations, models
from django.db.migrations.state import ProjectState

from auto_migrate.changes.model_tables import automatic_tables, model_of_table, table_of
from auto_migrate.fleet.own_tables import changed_tables

LONG = "a_name_that_is_" + "very_" * 10 + "long"
# The options of a model, and those of its relation to many.
CASES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("Item", {}, {}),
    ("Item", {"db_table": "stock"}, {"db_table": "tags_of_stock"}),
    ("Item", {"db_table": LONG}, {}),
    ("Item", {"db_table": LONG}, {"db_table": f"{LONG}_tags"}),
    (LONG.title(), {}, {}),
    ("Item", {"db_table": '"Stock"'}, {}),
    ("Item", {"db_table": 'sales"."stock'}, {}),
]


@pytest.mark.parametrize(("name", "options", "relation"), CASES)
def test_a_table_is_named_as_of_the_rendered_model(
    name: str, options: dict[str, Any], relation: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection.ops, "max_name_length", lambda: 63)
    state = ProjectState()
    key: tuple[str, Any] = ("id", models.AutoField(primary_key=True))
    tags: tuple[str, Any] = ("tags", models.ManyToManyField("shop.Tag", **relation))
    for operation in (
        migrations.CreateModel("Tag", [key]),
        migrations.CreateModel(name, [key, tags], options=dict(options)),
    ):
        operation.state_forwards("shop", state)
    rendered = state.apps.get_model("shop", name)
    wanted = [rendered._meta.db_table, rendered._meta.get_field("tags").remote_field.through._meta.db_table]
    model = state.models["shop", name.lower()]
    assert [table_of(model), *automatic_tables(model)] == wanted
    assert model_of_table(state)[wanted[0]] == f"shop.{name}"
    migration: Any = migrations.Migration("0002_price", "shop")
    migration.operations = [migrations.AddField(name, "price", models.IntegerField(null=True))]
    assert list(changed_tables("default", migration, state)) == wanted
