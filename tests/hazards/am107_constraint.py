"""A unique constraint builds its index while nobody writes; it takes over one that was built concurrently."""

from django.db import migrations, models

from tests.hazards import customers_and_orders, migration

BEFORE = customers_and_orders()

HAZARD = [migration(migrations.AddConstraint("order", models.UniqueConstraint(fields=["email"], name="order_email")))]

SAFE = [
    migration(
        migrations.RunSQL(
            "CREATE UNIQUE INDEX CONCURRENTLY order_email ON shop_order (email)",
            "DROP INDEX CONCURRENTLY IF EXISTS order_email",
        ),
        migrations.RunSQL(
            "ALTER TABLE shop_order ADD CONSTRAINT order_email UNIQUE USING INDEX order_email",
            "ALTER TABLE shop_order DROP CONSTRAINT order_email",
            state_operations=[
                migrations.AddConstraint("order", models.UniqueConstraint(fields=["email"], name="order_email")),
            ],
        ),
        atomic=False,
    )
]
