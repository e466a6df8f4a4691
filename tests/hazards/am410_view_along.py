"""Django drops columns with CASCADE, which takes the view along; it is made anew without the column first."""

from django.db import migrations

from tests.hazards import customers_and_orders, migration

BEFORE = [
    *customers_and_orders(),
    migrations.RunSQL("CREATE VIEW shop_carts AS SELECT id, email, quantity FROM shop_order", "DROP VIEW shop_carts"),
]

REMOVE = migrations.RemoveField("order", "quantity")
HAZARD = [migration(REMOVE)]

SAFE = [
    migration(
        migrations.RunSQL(
            "DROP VIEW shop_carts; CREATE VIEW shop_carts AS SELECT id, email FROM shop_order",
            migrations.RunSQL.noop,
        )
    ),
    migration(REMOVE, phase="post_deploy"),
]
