"""A shorter text cuts or refuses what is there; a CHECK bounds what comes."""

from django.contrib.postgres.operations import AddConstraintNotValid, ValidateConstraint
from django.db import migrations, models
from django.db.models.functions import Length
from django.db.models.lookups import LessThanOrEqual

from tests.hazards import migration

ENDS_ELSEWHERE = "The column keeps its type, and a constraint bounds the values."

BEFORE = [
    migrations.CreateModel(
        "Order",
        [
            ("id", models.BigAutoField(primary_key=True)),
            ("note", models.CharField(max_length=50)),
        ],
    )
]

HAZARD = [migration(migrations.AlterField("order", "note", models.CharField(max_length=20)))]

SAFE = [
    migration(
        AddConstraintNotValid(
            "order",
            models.CheckConstraint(condition=LessThanOrEqual(Length("note"), 20), name="note_length"),
        )
    ),
    migration(ValidateConstraint("order", "note_length")),
]
