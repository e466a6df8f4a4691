"""One UPDATE in SQL writes all rows in one transaction; batches commit one by one."""

from typing import Any

from django.db import migrations, models

from auto_migrate import repeatable
from tests.hazards import migration

BATCH = """
    UPDATE shop_order SET total = 0
    WHERE id IN (SELECT id FROM shop_order WHERE total IS NULL ORDER BY id LIMIT 1000 FOR UPDATE SKIP LOCKED)
"""


def fill(apps: Any, editor: Any) -> None:
    with editor.connection.cursor() as cursor:
        cursor.execute(BATCH)
        while cursor.rowcount:
            cursor.execute(BATCH)


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

HAZARD = [migration(migrations.RunSQL("UPDATE shop_order SET total = 0 WHERE total IS NULL", migrations.RunSQL.noop))]

SAFE = [migration(repeatable(migrations.RunPython(fill, migrations.RunPython.noop)), atomic=False)]
