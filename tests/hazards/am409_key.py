"""The new code deletes customers that are still pointed to; first the database forgets that it is a key."""

from django.db import migrations, models

from tests.hazards import customers_and_orders, migration

PHASES = True

BEFORE = [
    *customers_and_orders(),
    migrations.AddField("order", "customer", models.ForeignKey("shop.Customer", models.CASCADE, null=True)),
]

HAZARD = [migration(migrations.RemoveField("order", "customer"), phase="post_deploy")]

SAFE = [
    migration(
        migrations.AlterField(
            "order", "customer", models.ForeignKey("shop.Customer", models.CASCADE, null=True, db_constraint=False)
        )
    ),
    migration(migrations.RemoveField("order", "customer"), phase="post_deploy"),
]
