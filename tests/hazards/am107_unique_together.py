"""`unique_together` builds an index while nobody writes."""

from django.db import migrations

from tests.hazards import customers_and_orders, migration

BEFORE = customers_and_orders()

HAZARD = [migration(migrations.AlterUniqueTogether("order", {("email", "quantity")}))]

SAFE = [
    migration(
        migrations.RunSQL(
            "CREATE UNIQUE INDEX CONCURRENTLY email_quantity ON shop_order (email, quantity)",
            "DROP INDEX CONCURRENTLY IF EXISTS email_quantity",
        ),
        migrations.RunSQL(
            "ALTER TABLE shop_order ADD CONSTRAINT email_quantity UNIQUE USING INDEX email_quantity",
            "ALTER TABLE shop_order DROP CONSTRAINT email_quantity",
            state_operations=[
                migrations.AlterUniqueTogether("order", {("email", "quantity")}),
            ],
        ),
        atomic=False,
    )
]
