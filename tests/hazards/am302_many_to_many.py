"""A many-to-many field is a table."""

from django.db import migrations, models

import auto_migrate
from tests.hazards import migration

BEFORE = [
    migrations.CreateModel("Tag", [("id", models.BigAutoField(primary_key=True))]),
    migrations.CreateModel(
        "Order",
        [
            ("id", models.BigAutoField(primary_key=True)),
            ("tags", models.ManyToManyField("shop.Tag")),
        ],
    ),
]

HAZARD = [migration(migrations.RemoveField("order", "tags"))]

SAFE = [
    migration(migrations.SeparateDatabaseAndState(state_operations=[migrations.RemoveField("order", "tags")])),
    migration(
        migrations.RunSQL("DROP TABLE shop_order_tags", migrations.RunSQL.noop),
        phase="post_deploy",
        known=auto_migrate.acknowledge("AM302", reason="No running code knows it any more."),
    ),
]
