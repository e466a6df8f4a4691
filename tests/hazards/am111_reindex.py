"""REINDEX holds writes up; CONCURRENTLY, it does not."""

from django.db import migrations

from tests.hazards import customers_and_orders, migration

BEFORE = customers_and_orders()

HAZARD = [migration(migrations.RunSQL("REINDEX TABLE shop_order", migrations.RunSQL.noop))]

SAFE = [migration(migrations.RunSQL("REINDEX TABLE CONCURRENTLY shop_order", migrations.RunSQL.noop), atomic=False)]
