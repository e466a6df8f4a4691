"""The running release may still write what a CHECK refuses; after it is gone, nobody does."""

from django.contrib.postgres.operations import AddConstraintNotValid, ValidateConstraint
from django.db import migrations, models

from tests.hazards import migration

BEFORE = [
    migrations.CreateModel(
        "Order",
        [
            ("id", models.BigAutoField(primary_key=True)),
            ("amount", models.IntegerField()),
        ],
    )
]

HAZARD = [
    migration(
        migrations.AddConstraint(
            "order", models.CheckConstraint(condition=models.Q(amount__gte=0), name="amount_positive")
        )
    )
]

SAFE = [
    migration(
        AddConstraintNotValid(
            "order", models.CheckConstraint(condition=models.Q(amount__gte=0), name="amount_positive")
        ),
        phase="post_deploy",
    ),
    migration(ValidateConstraint("order", "amount_positive"), phase="post_deploy"),
]
