"""A default on the field lets Django fill the rows first, though a CHECK proves that there is nothing to fill."""

from django.contrib.postgres.operations import AddConstraintNotValid, ValidateConstraint
from django.db import migrations, models

from tests.hazards import customers_and_orders, migration

BEFORE = customers_and_orders()

HAZARD = [
    migration(
        AddConstraintNotValid(
            "order", models.CheckConstraint(condition=models.Q(quantity__isnull=False), name="quantity_there")
        )
    ),
    migration(ValidateConstraint("order", "quantity_there")),
    migration(
        migrations.AlterField("order", "quantity", models.IntegerField(default=0)),
        migrations.RemoveConstraint("order", "quantity_there"),
    ),
]

SAFE = [
    migration(
        AddConstraintNotValid(
            "order", models.CheckConstraint(condition=models.Q(quantity__isnull=False), name="quantity_there")
        )
    ),
    migration(ValidateConstraint("order", "quantity_there")),
    migration(
        migrations.RunSQL(
            "ALTER TABLE shop_order ALTER COLUMN quantity SET NOT NULL",
            "ALTER TABLE shop_order ALTER COLUMN quantity DROP NOT NULL",
            state_operations=[migrations.AlterField("order", "quantity", models.IntegerField(default=0))],
        ),
        migrations.RemoveConstraint("order", "quantity_there"),
    ),
]
