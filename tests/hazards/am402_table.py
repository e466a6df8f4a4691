"""The running release asks for the table by its old name; only the model is renamed."""

from django.db import migrations, models

from tests.hazards import migration

ENDS_ELSEWHERE = "The table keeps its name."

BEFORE = [
    migrations.CreateModel(
        "Order",
        [
            ("id", models.BigAutoField(primary_key=True)),
            ("note", models.CharField(max_length=50)),
        ],
    )
]

HAZARD = [migration(migrations.RenameModel("Order", "Purchase"))]

SAFE = [migration(migrations.AlterModelTable("Order", "shop_order"), migrations.RenameModel("Order", "Purchase"))]
