"""A new table with a foreign key locks the one that it points to."""

from django.db import migrations, models

from tests.hazards import customers_and_orders, migration

ENDS_ELSEWHERE = "The new table does without the constraint."

BEFORE = customers_and_orders()

HAZARD = [
    migration(
        migrations.CreateModel(
            "Note",
            [
                ("id", models.BigAutoField(primary_key=True)),
                ("order", models.ForeignKey("shop.order", models.CASCADE)),
            ],
        )
    )
]

SAFE = [
    migration(
        migrations.CreateModel(
            "Note",
            [
                ("id", models.BigAutoField(primary_key=True)),
                ("order", models.ForeignKey("shop.order", models.CASCADE, db_constraint=False)),
            ],
        )
    )
]
