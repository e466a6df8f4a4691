"""A CHECK proves NOT NULL only once it is validated."""

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
    migration(
        migrations.AlterField("order", "quantity", models.IntegerField()),
        migrations.RemoveConstraint("order", "quantity_there"),
    ),
]

SAFE = [
    migration(
        AddConstraintNotValid(
            "order", models.CheckConstraint(condition=models.Q(quantity__isnull=False), name="quantity_there")
        )
    ),
    migration(
        ValidateConstraint("order", "quantity_there"),
        migrations.AlterField("order", "quantity", models.IntegerField()),
        migrations.RemoveConstraint("order", "quantity_there"),
    ),
]
