"""`db_index` on a text builds two indexes, one of them for LIKE."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

from tests.hazards import customers_and_orders, migration

BEFORE = customers_and_orders()

HAZARD = [migration(migrations.AlterField("order", "email", models.CharField(max_length=100, db_index=True)))]

SAFE = [
    migration(
        AddIndexConcurrently("order", models.Index(fields=["email"], name="order_email")),
        AddIndexConcurrently(
            "order", models.Index(fields=["email"], name="order_email_like", opclasses=["varchar_pattern_ops"])
        ),
        atomic=False,
    )
]
