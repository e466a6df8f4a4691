"""One UPDATE writes all rows in one transaction; batches commit one by one."""

from typing import Any

from django.db import migrations, models

from auto_migrate import repeatable
from tests.hazards import migration


def fill_at_once(apps: Any, editor: Any) -> None:
    rows = apps.get_model("shop", "Order").objects.using(editor.connection.alias)
    rows.filter(total=None).update(total=0)


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

HAZARD = [migration(migrations.RunPython(fill_at_once, migrations.RunPython.noop))]

SAFE = [migration(repeatable(migrations.RunPython(fill_in_batches, migrations.RunPython.noop)), atomic=False)]
