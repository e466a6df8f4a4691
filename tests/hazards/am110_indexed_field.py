"""A field without `db_index` drops its index."""

from django.db import migrations, models

from tests.hazards import migration

BEFORE = [
    migrations.CreateModel(
        "Order",
        [("id", models.BigAutoField(primary_key=True)), ("number", models.IntegerField(db_index=True))],
    )
]

HAZARD = [migration(migrations.AlterField("order", "number", models.IntegerField()))]

SAFE = [
    migration(
        migrations.RunSQL(
            "DROP INDEX CONCURRENTLY shop_order_number_d6408b6d",
            migrations.RunSQL.noop,
            state_operations=[migrations.AlterField("order", "number", models.IntegerField())],
        ),
        atomic=False,
    )
]
