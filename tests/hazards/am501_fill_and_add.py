"""Rows are written while the table is locked for another column."""

from typing import Any

from django.db import migrations, models

from auto_migrate import repeatable
from tests.hazards import migration


def fill(apps: Any, editor: Any) -> None:
    rows = apps.get_model("shop", "Order").objects.using(editor.connection.alias)
    while keys := list(rows.filter(total=None).values_list("pk", flat=True)[:1000]):
        rows.filter(pk__in=keys).update(total=0)


BEFORE = [
    migrations.CreateModel("Customer", [("id", models.BigAutoField(primary_key=True))]),
    migrations.CreateModel(
        "Order",
        [
            ("id", models.BigAutoField(primary_key=True)),
            ("note", models.CharField(max_length=50)),
            ("total", models.IntegerField(null=True)),
            ("customer", models.ForeignKey("Customer", models.CASCADE, null=True)),
        ],
    ),
]

HAZARD = [
    migration(
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.AddField("order", "paid_at", models.DateTimeField(null=True)),
    )
]

SAFE = [
    migration(migrations.AddField("order", "paid_at", models.DateTimeField(null=True))),
    migration(repeatable(migrations.RunPython(fill, migrations.RunPython.noop)), atomic=False),
]
