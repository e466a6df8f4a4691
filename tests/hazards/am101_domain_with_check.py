"""A column of a domain with a CHECK rewrites the table; a plain column gets the CHECK, validated later."""

from django.db import migrations, models

from tests.hazards import migration

ENDS_ELSEWHERE = "The column has a constraint of its own and not the domain."

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
    migrations.RunSQL("CREATE DOMAIN shop_percent AS int CHECK (VALUE <= 100)"),
]

HAZARD = [migration(migrations.RunSQL("ALTER TABLE shop_order ADD COLUMN off shop_percent"))]

SAFE = [
    migration(
        migrations.RunSQL("ALTER TABLE shop_order ADD COLUMN off int"),
        migrations.RunSQL("ALTER TABLE shop_order ADD CONSTRAINT off_percent CHECK (off <= 100) NOT VALID"),
    ),
    migration(migrations.RunSQL("ALTER TABLE shop_order VALIDATE CONSTRAINT off_percent")),
]
