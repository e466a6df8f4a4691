"""A new column with a CHECK of its field's own: the column and the CHECK are added apart."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations, models

from tests.hazards import customers_and_orders, migration

BEFORE = customers_and_orders()

HAZARD = [migration(migrations.AddField("order", "rank", models.PositiveIntegerField(null=True)))]

SAFE = [
    migration(
        migrations.RunSQL(
            "ALTER TABLE shop_order ADD COLUMN rank integer NULL",
            "ALTER TABLE shop_order DROP COLUMN rank",
            state_operations=[migrations.AddField("order", "rank", models.PositiveIntegerField(null=True))],
        ),
        migrations.RunSQL(
            "ALTER TABLE shop_order ADD CONSTRAINT shop_order_rank_check CHECK (rank >= 0) NOT VALID",
            "ALTER TABLE shop_order DROP CONSTRAINT shop_order_rank_check",
        ),
    ),
    migration(ValidateConstraint("order", "shop_order_rank_check")),
]
