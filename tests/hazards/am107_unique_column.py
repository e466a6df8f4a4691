"""A new unique column builds its index at once, even though it is empty."""

from django.db import migrations, models

from tests.hazards import customers_and_orders, migration

BEFORE = customers_and_orders()

HAZARD = [migration(migrations.AddField("order", "code", models.IntegerField(null=True, unique=True)))]

SAFE = [
    migration(migrations.AddField("order", "code", models.IntegerField(null=True))),
    migration(
        migrations.RunSQL(
            "CREATE UNIQUE INDEX CONCURRENTLY shop_order_code_key ON shop_order (code)",
            "DROP INDEX CONCURRENTLY IF EXISTS shop_order_code_key",
        ),
        migrations.RunSQL(
            "ALTER TABLE shop_order ADD CONSTRAINT shop_order_code_key UNIQUE USING INDEX shop_order_code_key",
            "ALTER TABLE shop_order DROP CONSTRAINT shop_order_code_key",
            state_operations=[
                migrations.AlterField("order", "code", models.IntegerField(null=True, unique=True)),
            ],
        ),
        atomic=False,
    ),
]
