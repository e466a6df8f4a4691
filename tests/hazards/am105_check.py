"""A CHECK reads all rows under its lock; NOT VALID first, it is validated while others write."""

from django.contrib.postgres.operations import AddConstraintNotValid, ValidateConstraint
from django.db import migrations, models

from tests.hazards import customers_and_orders, migration

BEFORE = customers_and_orders()

HAZARD = [
    migration(
        migrations.AddConstraint(
            "order", models.CheckConstraint(condition=models.Q(quantity__gte=0), name="quantity_positive")
        )
    )
]

SAFE = [
    migration(
        AddConstraintNotValid(
            "order", models.CheckConstraint(condition=models.Q(quantity__gte=0), name="quantity_positive")
        )
    ),
    migration(ValidateConstraint("order", "quantity_positive")),
]
