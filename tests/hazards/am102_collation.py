"""Another collation builds the column's indexes anew; dropped before and built after, they are built concurrently."""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models

from tests.hazards import migration

BEFORE = [
    migrations.CreateModel(
        "Order",
        [("id", models.BigAutoField(primary_key=True)), ("email", models.CharField(max_length=100))],
        options={"indexes": [models.Index(fields=["email"], name="order_email")]},
    )
]

HAZARD = [migration(migrations.AlterField("order", "email", models.CharField(max_length=100, db_collation="C")))]

SAFE = [
    migration(RemoveIndexConcurrently("order", "order_email"), atomic=False),
    migration(migrations.AlterField("order", "email", models.CharField(max_length=100, db_collation="C"))),
    migration(AddIndexConcurrently("order", models.Index(fields=["email"], name="order_email")), atomic=False),
]
