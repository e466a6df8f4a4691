"""A text of several statements is one transaction, even where the migration is none."""

from django.db import migrations

from tests.hazards import customers_and_orders, migration

BEFORE = customers_and_orders()

HAZARD = [
    migration(
        migrations.RunSQL(
            "ALTER TABLE shop_order ADD CONSTRAINT positive CHECK (quantity >= 0) NOT VALID;"
            " ALTER TABLE shop_order VALIDATE CONSTRAINT positive",
            "ALTER TABLE shop_order DROP CONSTRAINT positive",
        ),
        atomic=False,
    )
]

SAFE = [
    migration(
        migrations.RunSQL(
            [
                "ALTER TABLE shop_order ADD CONSTRAINT positive CHECK (quantity >= 0) NOT VALID",
                "ALTER TABLE shop_order VALIDATE CONSTRAINT positive",
            ],
            "ALTER TABLE shop_order DROP CONSTRAINT positive",
        ),
        atomic=False,
    )
]
