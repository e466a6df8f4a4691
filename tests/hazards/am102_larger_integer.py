"""Another type rewrites the table; a new column is filled in batches and takes the old one's place."""

from typing import Any

from django.db import migrations, models

from tests.hazards import customers_and_orders, migration


def fill(apps: Any, editor: Any) -> None:
    rows = apps.get_model("shop", "Order").objects.using(editor.connection.alias)
    while ids := list(rows.filter(quantity_new=None, quantity__isnull=False).values_list("id", flat=True)[:1000]):
        rows.filter(id__in=ids).update(quantity_new=models.F("quantity"))


BEFORE = customers_and_orders()

HAZARD = [migration(migrations.AlterField("order", "quantity", models.BigIntegerField(null=True)))]

SAFE = [
    migration(migrations.AddField("order", "quantity_new", models.BigIntegerField(null=True))),
    migration(migrations.RunPython(fill, migrations.RunPython.noop), atomic=False),
    migration(migrations.RemoveField("order", "quantity"), migrations.RenameField("order", "quantity_new", "quantity")),
]
