"""A field of another class brings a CHECK along."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations, models

from tests.hazards import customers_and_orders, migration

BEFORE = customers_and_orders()

HAZARD = [migration(migrations.AlterField("order", "quantity", models.PositiveIntegerField(null=True)))]

SAFE = [
    migration(
        migrations.RunSQL(
            "ALTER TABLE shop_order ADD CONSTRAINT shop_order_quantity_check CHECK (quantity >= 0) NOT VALID",
            "ALTER TABLE shop_order DROP CONSTRAINT shop_order_quantity_check",
            state_operations=[migrations.AlterField("order", "quantity", models.PositiveIntegerField(null=True))],
        )
    ),
    migration(ValidateConstraint("order", "shop_order_quantity_check")),
]
