"""A default that differs from row to row rewrites the table; rows are filled in batches, then NOT NULL is proven."""

from typing import Any

from django.contrib.postgres.functions import RandomUUID
from django.contrib.postgres.operations import AddConstraintNotValid, ValidateConstraint
from django.db import migrations, models

from tests.hazards import customers_and_orders, migration


def fill(apps: Any, editor: Any) -> None:
    rows = apps.get_model("shop", "Order").objects.using(editor.connection.alias)
    while ids := list(rows.filter(token=None).values_list("id", flat=True)[:1000]):
        rows.filter(id__in=ids).update(token=RandomUUID())


BEFORE = customers_and_orders()

HAZARD = [migration(migrations.AddField("order", "token", models.UUIDField(db_default=RandomUUID())))]

SAFE = [
    migration(
        migrations.AddField("order", "token", models.UUIDField(null=True)),
        migrations.AlterField("order", "token", models.UUIDField(null=True, db_default=RandomUUID())),
    ),
    migration(migrations.RunPython(fill, migrations.RunPython.noop), atomic=False),
    migration(
        AddConstraintNotValid(
            "order", models.CheckConstraint(condition=models.Q(token__isnull=False), name="token_there")
        )
    ),
    migration(ValidateConstraint("order", "token_there")),
    migration(  # Django's own operation would look for rows to write the default into first.
        migrations.RunSQL(
            "ALTER TABLE shop_order ALTER COLUMN token SET NOT NULL",
            "ALTER TABLE shop_order ALTER COLUMN token DROP NOT NULL",
            state_operations=[migrations.AlterField("order", "token", models.UUIDField(db_default=RandomUUID()))],
        ),
        migrations.RemoveConstraint("order", "token_there"),
    ),
]
