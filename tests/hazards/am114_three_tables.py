"""Three tables are locked in one transaction; in three, one at a time."""

from django.db import migrations, models

from tests.hazards import migration

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
    migrations.CreateModel("Parcel", [("id", models.BigAutoField(primary_key=True))]),
]

HAZARD = [
    migration(
        migrations.AddField("customer", "note", models.TextField(null=True)),
        migrations.AddField("order", "note", models.TextField(null=True)),
        migrations.AddField("parcel", "note", models.TextField(null=True)),
    )
]

SAFE = [
    migration(migrations.AddField("customer", "note", models.TextField(null=True))),
    migration(migrations.AddField("order", "note", models.TextField(null=True))),
    migration(migrations.AddField("parcel", "note", models.TextField(null=True))),
]
