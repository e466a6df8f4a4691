"""One migration is of two phases: a column for the new release, and one that the old release needs."""

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
    migration(
        migrations.AddField("order", "colour", models.CharField(max_length=20, null=True)),
        migrations.RemoveField("order", "note"),
    )
]

SAFE = [
    migration(migrations.AddField("order", "colour", models.CharField(max_length=20, null=True))),
    migration(migrations.RemoveField("order", "note")),
]
