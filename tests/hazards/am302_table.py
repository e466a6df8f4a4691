"""The running release still uses the table; forgotten first, it goes once nobody knows it."""

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

HAZARD = [migration(migrations.DeleteModel("Order"))]

SAFE = [
    migration(migrations.SeparateDatabaseAndState(state_operations=[migrations.DeleteModel("Order")])),
    migration(
        migrations.RunSQL("DROP TABLE shop_order", migrations.RunSQL.noop),
        phase="post_deploy",
        known=auto_migrate.acknowledge("AM302", reason="No running code knows it any more."),
    ),
]
