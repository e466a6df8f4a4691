"""Between the old index and the new one there is none."""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models

from tests.hazards import migration

BEFORE = [
    migrations.CreateModel(
        "Order",
        [
            ("id", models.BigAutoField(primary_key=True)),
            ("note", models.CharField(max_length=50)),
            ("total", models.IntegerField(null=True)),
        ],
        options={"indexes": [models.Index(fields=["note"], name="order_note")]},
    )
]

HAZARD = [
    migration(
        RemoveIndexConcurrently("order", "order_note"),
        AddIndexConcurrently("order", models.Index(fields=["note", "total"], name="order_note_total")),
        atomic=False,
    )
]

SAFE = [
    migration(
        AddIndexConcurrently("order", models.Index(fields=["note", "total"], name="order_note_total")),
        RemoveIndexConcurrently("order", "order_note"),
        atomic=False,
    )
]
