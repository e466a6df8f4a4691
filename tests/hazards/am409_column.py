"""The new code leaves the column out while it waits to be dropped; first it may be left out."""

from django.db import migrations, models

from tests.hazards import customers_and_orders, migration

PHASES = True

BEFORE = customers_and_orders()

HAZARD = [migration(migrations.RemoveField("order", "email"), phase="post_deploy")]

SAFE = [
    migration(migrations.AlterField("order", "email", models.CharField(max_length=100, null=True))),
    migration(migrations.RemoveField("order", "email"), phase="post_deploy"),
]
