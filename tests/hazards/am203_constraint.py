"""PostgreSQL cuts a name of more than 63 bytes."""

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

from tests.hazards import migration

LONG = models.CheckConstraint(
    condition=models.Q(total__gte=0), name="orders_are_either_paid_for_or_have_been_given_away_as_a_present_by_somebody"
)

SHORT = models.CheckConstraint(condition=models.Q(total__gte=0), name="order_total_positive")

BEFORE = [
    migrations.CreateModel(
        "Order",
        [
            ("id", models.BigAutoField(primary_key=True)),
            ("note", models.CharField(max_length=50)),
            ("total", models.IntegerField(null=True)),
        ],
    )
]

HAZARD = [migration(AddConstraintNotValid("order", LONG))]

SAFE = [migration(AddConstraintNotValid("order", SHORT))]
