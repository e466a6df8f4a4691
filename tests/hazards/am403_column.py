"""The running release inserts without the column; a database default fills it."""

from django.db import migrations, models

from tests.hazards import migration

ENDS_ELSEWHERE = "The column keeps its default."

BEFORE = [
    migrations.CreateModel(
        "Order",
        [
            ("id", models.BigAutoField(primary_key=True)),
            ("note", models.CharField(max_length=50)),
        ],
    )
]

HAZARD = [migration(migrations.AddField("order", "priority", models.IntegerField(default=0), preserve_default=False))]

SAFE = [migration(migrations.AddField("order", "priority", models.IntegerField(db_default=0)))]
