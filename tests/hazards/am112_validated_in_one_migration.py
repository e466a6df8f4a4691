"""What adds a constraint NOT VALID keeps its lock while the same transaction validates."""

from django.contrib.postgres.operations import AddConstraintNotValid, ValidateConstraint
from django.db import models

from tests.hazards import customers_and_orders, migration

BEFORE = customers_and_orders()

HAZARD = [
    migration(
        AddConstraintNotValid(
            "order", models.CheckConstraint(condition=models.Q(quantity__gte=0), name="quantity_positive")
        ),
        ValidateConstraint("order", "quantity_positive"),
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
