"""A foreign key reads all rows under locks on both tables; NOT VALID first, it is validated while others write."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations, models

from tests.hazards import migration

BEFORE = [
    migrations.CreateModel("Customer", [("id", models.BigAutoField(primary_key=True))]),
    migrations.CreateModel(
        "Order",
        [
            ("id", models.BigAutoField(primary_key=True)),
            ("customer", models.ForeignKey("shop.customer", models.CASCADE, db_constraint=False)),
        ],
    ),
]

HAZARD = [migration(migrations.AlterField("order", "customer", models.ForeignKey("shop.customer", models.CASCADE)))]

SAFE = [
    migration(
        migrations.RunSQL(
            "ALTER TABLE shop_order ADD CONSTRAINT order_customer FOREIGN KEY (customer_id)"
            " REFERENCES shop_customer (id) DEFERRABLE INITIALLY DEFERRED NOT VALID",
            "ALTER TABLE shop_order DROP CONSTRAINT order_customer",
            state_operations=[
                migrations.AlterField("order", "customer", models.ForeignKey("shop.customer", models.CASCADE)),
            ],
        )
    ),
    migration(ValidateConstraint("order", "order_customer")),
]
