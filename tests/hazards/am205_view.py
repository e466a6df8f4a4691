"""A view uses the column; it is dropped before its type changes and made again after."""

from django.db import migrations, models

from tests.hazards import customers_and_orders, migration

REFUSED = "PostgreSQL changes no type of a column that a view uses."

MAKE, DROP = "CREATE VIEW shop_emails AS SELECT email FROM shop_order", "DROP VIEW shop_emails"
BEFORE = [*customers_and_orders(), migrations.RunSQL(MAKE, DROP)]

WIDEN = migrations.AlterField("order", "email", models.CharField(max_length=200))
HAZARD = [migration(WIDEN)]

SAFE = [migration(migrations.RunSQL(DROP, MAKE), WIDEN, migrations.RunSQL(MAKE, DROP))]
