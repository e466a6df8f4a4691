"""A concurrent index needs a migration that is not atomic."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

from tests.hazards import migration

REFUSED = "Django asks for a migration that is not atomic"

BEFORE = [
    migrations.CreateModel(
        "Order",
        [
            ("id", models.BigAutoField(primary_key=True)),
            ("note", models.CharField(max_length=50)),
            ("total", models.IntegerField(null=True)),
        ],
    )
]

HAZARD = [migration(AddIndexConcurrently("order", models.Index(fields=["note"], name="order_note")))]

SAFE = [migration(AddIndexConcurrently("order", models.Index(fields=["note"], name="order_note")), atomic=False)]
