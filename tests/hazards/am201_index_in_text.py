"""A text of several statements is one transaction, in which nothing can be concurrent; a list is several."""

from django.db import migrations, models

from tests.hazards import migration

REFUSED = "PostgreSQL makes one transaction of the text"

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

HAZARD = [
    migration(
        migrations.RunSQL(
            "SET maintenance_work_mem = '1GB'; CREATE INDEX CONCURRENTLY order_note ON shop_order (note)",
            "DROP INDEX CONCURRENTLY order_note",
        ),
        atomic=False,
    )
]

SAFE = [
    migration(
        migrations.RunSQL(
            ["SET maintenance_work_mem = '1GB'", "CREATE INDEX CONCURRENTLY order_note ON shop_order (note)"],
            "DROP INDEX CONCURRENTLY order_note",
        ),
        atomic=False,
    )
]
