"""The running release reads the view; it goes when the old code is gone."""

from django.db import migrations

from tests.hazards import customers_and_orders, migration

BEFORE = [
    *customers_and_orders(),
    migrations.RunSQL("CREATE VIEW shop_emails AS SELECT email FROM shop_order", "DROP VIEW shop_emails"),
]

DROP = migrations.RunSQL("DROP VIEW shop_emails", migrations.RunSQL.noop)
HAZARD = [migration(DROP)]

SAFE = [migration(DROP, phase="post_deploy")]
