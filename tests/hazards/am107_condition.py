"""A unique constraint with a condition is an index, which can be built concurrently."""

from django.db import migrations, models

from tests.hazards import customers_and_orders, migration

BEFORE = customers_and_orders()

HAZARD = [
    migration(
        migrations.AddConstraint(
            "order",
            models.UniqueConstraint(fields=["email"], condition=models.Q(quantity__isnull=False), name="order_email"),
        )
    )
]

SAFE = [
    migration(
        migrations.RunSQL(
            "CREATE UNIQUE INDEX CONCURRENTLY order_email ON shop_order (email) WHERE quantity IS NOT NULL",
            "DROP INDEX CONCURRENTLY order_email",
            state_operations=[
                migrations.AddConstraint(
                    "order",
                    models.UniqueConstraint(
                        fields=["email"], condition=models.Q(quantity__isnull=False), name="order_email"
                    ),
                ),
            ],
        ),
        atomic=False,
    )
]
