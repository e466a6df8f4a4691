"""VACUUM FULL writes the table anew; a plain VACUUM does not."""

from django.db import migrations

from tests.hazards import customers_and_orders, migration

BEFORE = customers_and_orders()

HAZARD = [migration(migrations.RunSQL("VACUUM FULL shop_order", migrations.RunSQL.noop), atomic=False)]

SAFE = [migration(migrations.RunSQL("VACUUM (ANALYZE) shop_order", migrations.RunSQL.noop), atomic=False)]
