"""Dropping an index waits for everybody and lets everybody wait; concurrently, nobody."""

from django.contrib.postgres.operations import RemoveIndexConcurrently
from django.db import migrations, models

from tests.hazards import migration

BEFORE = [
    migrations.CreateModel(
        "Order",
        [("id", models.BigAutoField(primary_key=True)), ("email", models.CharField(max_length=100))],
        options={"indexes": [models.Index(fields=["email"], name="order_email")]},
    )
]

HAZARD = [migration(migrations.RemoveIndex("order", "order_email"))]

SAFE = [migration(RemoveIndexConcurrently("order", "order_email"), atomic=False)]
