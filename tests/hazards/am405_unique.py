"""The running release may still write what a unique constraint refuses; after it is gone, nobody does."""

from django.db import migrations, models

from tests.hazards import migration

BEFORE = [
    migrations.CreateModel(
        "Order",
        [
            ("id", models.BigAutoField(primary_key=True)),
            ("note", models.CharField(max_length=50)),
        ],
    )
]

HAZARD = [
    migration(migrations.AddConstraint("order", models.UniqueConstraint(fields=["note"], name="shop_order_note")))
]

SAFE = [
    migration(
        migrations.RunSQL(
            "CREATE UNIQUE INDEX CONCURRENTLY shop_order_note ON shop_order (note)",
            "DROP INDEX CONCURRENTLY shop_order_note",
        ),
        atomic=False,
        phase="post_deploy",
    ),
    migration(
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    "ALTER TABLE shop_order ADD CONSTRAINT shop_order_note UNIQUE USING INDEX shop_order_note",
                    "ALTER TABLE shop_order DROP CONSTRAINT shop_order_note",
                ),
            ],
            state_operations=[
                migrations.AddConstraint("order", models.UniqueConstraint(fields=["note"], name="shop_order_note")),
            ],
        ),
        phase="post_deploy",
    ),
]
