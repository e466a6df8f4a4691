"""A smaller integer refuses what is there; a CHECK bounds what comes."""

from django.contrib.postgres.operations import AddConstraintNotValid, ValidateConstraint
from django.db import migrations, models

from tests.hazards import migration

ENDS_ELSEWHERE = "The column keeps its type, and a constraint bounds the values."

BEFORE = [
    migrations.CreateModel(
        "Order",
        [
            ("id", models.BigAutoField(primary_key=True)),
            ("amount", models.BigIntegerField()),
        ],
    )
]

HAZARD = [migration(migrations.AlterField("order", "amount", models.IntegerField()))]

SAFE = [
    migration(
        AddConstraintNotValid(
            "order",
            models.CheckConstraint(condition=models.Q(amount__range=(-2147483648, 2147483647)), name="amount_range"),
        )
    ),
    migration(ValidateConstraint("order", "amount_range")),
]
