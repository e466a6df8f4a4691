"""Django drops a foreign key and makes it anew where only NULL is to be allowed."""

from django.db import migrations, models

from tests.hazards import migration

BEFORE = [
    migrations.CreateModel("Customer", [("id", models.BigAutoField(primary_key=True))]),
    migrations.CreateModel(
        "Order",
        [
            ("id", models.BigAutoField(primary_key=True)),
            ("customer", models.ForeignKey("shop.customer", models.CASCADE)),
        ],
    ),
]

HAZARD = [
    migration(migrations.AlterField("order", "customer", models.ForeignKey("shop.customer", models.CASCADE, null=True)))
]

SAFE = [
    migration(
        migrations.RunSQL(
            "ALTER TABLE shop_order ALTER COLUMN customer_id DROP NOT NULL",
            "ALTER TABLE shop_order ALTER COLUMN customer_id SET NOT NULL",
            state_operations=[
                migrations.AlterField(
                    "order", "customer", models.ForeignKey("shop.customer", models.CASCADE, null=True)
                ),
            ],
        )
    )
]
