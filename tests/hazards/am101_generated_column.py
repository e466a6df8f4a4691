"""A stored generated column is computed for all rows at once; an ordinary one is filled in batches."""

from typing import Any

from django.db import migrations, models

from tests.hazards import customers_and_orders, migration

ENDS_ELSEWHERE = "A column that is there already cannot be made a generated one."


def fill(apps: Any, editor: Any) -> None:
    rows = apps.get_model("shop", "Order").objects.using(editor.connection.alias)
    while ids := list(rows.filter(double=None, quantity__isnull=False).values_list("id", flat=True)[:1000]):
        rows.filter(id__in=ids).update(double=models.F("quantity") * 2)


BEFORE = customers_and_orders()

HAZARD = [
    migration(
        migrations.AddField(
            "order",
            "double",
            models.GeneratedField(
                expression=models.F("quantity") * 2, output_field=models.IntegerField(), db_persist=True
            ),
        )
    )
]

SAFE = [
    migration(migrations.AddField("order", "double", models.IntegerField(null=True))),
    migration(migrations.RunPython(fill, migrations.RunPython.noop), atomic=False),
]
