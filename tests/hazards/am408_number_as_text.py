"""The running release compares the column as a number; the text is a column of its own."""

from django.db import migrations, models

from tests.hazards import migration

ENDS_ELSEWHERE = "The old column goes with a later release."

BEFORE = [
    migrations.CreateModel(
        "Order",
        [
            ("id", models.BigAutoField(primary_key=True)),
            ("number", models.IntegerField()),
        ],
    )
]

HAZARD = [migration(migrations.AlterField("order", "number", models.CharField(max_length=20)))]

SAFE = [migration(migrations.AddField("order", "code", models.CharField(max_length=20, null=True)))]
