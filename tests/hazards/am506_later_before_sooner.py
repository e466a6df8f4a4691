"""What the new release needs depends on what must wait for the old release to go."""

from django.db import migrations, models

from tests.hazards import migration

PHASES = True

BEFORE = [
    migrations.CreateModel(
        "Order",
        [
            ("id", models.BigAutoField(primary_key=True)),
            ("note", models.CharField(max_length=50, null=True)),
        ],
    )
]

HAZARD = [
    migration(migrations.RemoveField("order", "note")),
    migration(migrations.AddField("order", "colour", models.CharField(max_length=20, null=True))),
]

SAFE = [
    migration(migrations.AddField("order", "colour", models.CharField(max_length=20, null=True))),
    migration(migrations.RemoveField("order", "note")),
]
