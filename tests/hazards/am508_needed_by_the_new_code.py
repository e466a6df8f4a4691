"""The new code reads a column that comes only after it; it is to come before."""

from django.db import migrations, models

from tests.hazards import customers_and_orders, migration

PHASES = True

BEFORE = customers_and_orders()

COLOUR = migrations.AddField("order", "colour", models.CharField(max_length=20, null=True))

HAZARD = [migration(COLOUR, phase="post_deploy")]

SAFE = [migration(COLOUR)]
