"""Dropping a table with a foreign key locks the one that it points to."""

from django.db import migrations, models

from tests.hazards import migration

ENDS_ELSEWHERE = "The table stays, until an hour at which nobody minds."

BEFORE = [
    migrations.CreateModel(
        "Customer",
        [("id", models.BigAutoField(primary_key=True)), ("name", models.CharField(max_length=100))],
    ),
    migrations.CreateModel(
        "Order",
        [
            ("id", models.BigAutoField(primary_key=True)),
            ("email", models.CharField(max_length=100)),
            ("quantity", models.IntegerField(null=True)),
        ],
    ),
    migrations.CreateModel(
        "Note",
        [
            ("id", models.BigAutoField(primary_key=True)),
            ("order", models.ForeignKey("shop.order", models.CASCADE)),
        ],
    ),
]

HAZARD = [migration(migrations.DeleteModel("Note"))]

SAFE = [migration(migrations.SeparateDatabaseAndState(state_operations=[migrations.DeleteModel("Note")]))]
