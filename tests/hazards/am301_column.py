"""The running release still writes the column; forgotten first, it goes once nobody knows it."""

from django.db import migrations, models

import auto_migrate
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

HAZARD = [migration(migrations.RemoveField("order", "note"))]

SAFE = [
    migration(
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.AlterField("order", "note", models.CharField(max_length=50, null=True))],
            state_operations=[migrations.RemoveField("order", "note")],
        )
    ),
    migration(
        migrations.RunSQL("ALTER TABLE shop_order DROP COLUMN note", migrations.RunSQL.noop),
        phase="post_deploy",
        known=auto_migrate.acknowledge("AM301", reason="No running code knows it any more."),
    ),
]
