"""An index is built while nobody writes; concurrently, everybody does."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

from tests.hazards import customers_and_orders, migration

BEFORE = customers_and_orders()

HAZARD = [migration(migrations.AddIndex("order", models.Index(fields=["email"], name="order_email")))]

SAFE = [migration(AddIndexConcurrently("order", models.Index(fields=["email"], name="order_email")), atomic=False)]
