"""NOT NULL reads all rows under its lock; a CHECK that was validated before proves it."""

from django.contrib.postgres.operations import AddConstraintNotValid, ValidateConstraint
from django.db import migrations, models

from tests.hazards import customers_and_orders, migration

BEFORE = customers_and_orders()

HAZARD = [migration(migrations.AlterField("order", "quantity", models.IntegerField()))]

SAFE = [
    migration(
        AddConstraintNotValid(
            "order", models.CheckConstraint(condition=models.Q(quantity__isnull=False), name="quantity_there")
        )
    ),
    migration(ValidateConstraint("order", "quantity_there")),
    migration(
        migrations.AlterField("order", "quantity", models.IntegerField()),
        migrations.RemoveConstraint("order", "quantity_there"),
    ),
]
