"""SQL that is put together while it runs tells nobody what it will do."""

from django.db import migrations, models

from tests.hazards import migration

PUT_TOGETHER = """
DO $$
BEGIN
    EXECUTE format('ALTER TABLE %I ADD COLUMN %I integer', 'shop_order', 'paid');
END
$$
"""

PLAIN = """
DO $$
BEGIN
    ALTER TABLE shop_order ADD COLUMN paid integer;
END
$$
"""

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

HAZARD = [migration(migrations.RunSQL(PUT_TOGETHER, migrations.RunSQL.noop))]

SAFE = [migration(migrations.RunSQL(PLAIN, migrations.RunSQL.noop))]
