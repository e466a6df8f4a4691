"""CLUSTER writes the table anew; what the planner is to know takes an ANALYZE."""

from django.db import migrations

from tests.hazards import customers_and_orders, migration

BEFORE = customers_and_orders()

HAZARD = [migration(migrations.RunSQL("CLUSTER shop_order USING shop_order_pkey", migrations.RunSQL.noop))]

SAFE = [migration(migrations.RunSQL("ANALYZE shop_order", migrations.RunSQL.noop))]
