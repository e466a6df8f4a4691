"""The running release relies on the default; after it is gone, nobody does."""

from django.db import migrations, models

from tests.hazards import migration

BEFORE = [
    migrations.CreateModel(
        "Order",
        [
            ("id", models.BigAutoField(primary_key=True)),
            ("priority", models.IntegerField(db_default=0)),
        ],
    )
]

HAZARD = [migration(migrations.AlterField("order", "priority", models.IntegerField()))]

SAFE = [migration(migrations.AlterField("order", "priority", models.IntegerField()), phase="post_deploy")]
