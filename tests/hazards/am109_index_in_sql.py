"""CREATE INDEX in SQL is judged as an operation is."""

from django.db import migrations

from tests.hazards import customers_and_orders, migration

BEFORE = customers_and_orders()

HAZARD = [
    migration(migrations.RunSQL("CREATE INDEX order_email ON shop_order (lower(email))", "DROP INDEX order_email"))
]

SAFE = [
    migration(
        migrations.RunSQL(
            "CREATE INDEX CONCURRENTLY order_email ON shop_order (lower(email))", "DROP INDEX CONCURRENTLY order_email"
        ),
        atomic=False,
    )
]
