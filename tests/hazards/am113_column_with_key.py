"""A new column with a foreign key locks the table that it points to; the key is added NOT VALID later."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations, models

from tests.hazards import customers_and_orders, migration

BEFORE = customers_and_orders()

HAZARD = [
    migration(
        migrations.AddField(
            "order", "customer", models.ForeignKey("shop.customer", models.CASCADE, null=True, db_index=False)
        )
    )
]

SAFE = [
    migration(
        migrations.AddField(
            "order",
            "customer",
            models.ForeignKey("shop.customer", models.CASCADE, null=True, db_index=False, db_constraint=False),
        )
    ),
    migration(
        migrations.RunSQL(
            "ALTER TABLE shop_order ADD CONSTRAINT order_customer FOREIGN KEY (customer_id)"
            " REFERENCES shop_customer (id) DEFERRABLE INITIALLY DEFERRED NOT VALID",
            "ALTER TABLE shop_order DROP CONSTRAINT order_customer",
            state_operations=[
                migrations.AlterField(
                    "order", "customer", models.ForeignKey("shop.customer", models.CASCADE, null=True, db_index=False)
                ),
            ],
        )
    ),
    migration(ValidateConstraint("order", "order_customer")),
]
