"""What has no way back cannot be rolled back in an emergency."""

from django.db import migrations, models

from tests.hazards import migration

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

HAZARD = [migration(migrations.RunSQL("CREATE SEQUENCE shop_number"))]

SAFE = [migration(migrations.RunSQL("CREATE SEQUENCE shop_number", "DROP SEQUENCE shop_number"))]
