"""A loop over all rows keeps each locked until the last is saved."""

from typing import Any

from django.db import migrations, models

from auto_migrate import repeatable
from tests.hazards import migration


def fill_one_by_one(apps: Any, editor: Any) -> None:
    rows = apps.get_model("shop", "Order").objects.using(editor.connection.alias)
    for order in rows.filter(total=None).iterator():
        order.total = 0
        order.save()


def fill_in_batches(apps: Any, editor: Any) -> None:
    rows = apps.get_model("shop", "Order").objects.using(editor.connection.alias)
    while keys := list(rows.filter(total=None).values_list("pk", flat=True)[:1000]):
        rows.filter(pk__in=keys).update(total=0)


BEFORE = [
    migrations.CreateModel(
        "Order",
        [
            ("id", models.BigAutoField(primary_key=True)),
            ("note", models.CharField(max_length=50)),
            ("total", models.IntegerField(null=True)),
        ],
    )
]

HAZARD = [migration(migrations.RunPython(fill_one_by_one, migrations.RunPython.noop))]

SAFE = [migration(repeatable(migrations.RunPython(fill_in_batches, migrations.RunPython.noop)), atomic=False)]
