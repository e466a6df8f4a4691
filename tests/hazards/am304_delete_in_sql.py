"""DELETE in SQL takes all rows at once, whoever needs them; in batches, Django's cascades are kept too."""

from typing import Any

from django.db import migrations, models

from auto_migrate import repeatable
from tests.hazards import migration


def delete_in_batches(apps: Any, editor: Any) -> None:
    rows = apps.get_model("shop", "Order").objects.using(editor.connection.alias)
    while keys := list(rows.filter(note="").values_list("pk", flat=True)[:1000]):
        rows.filter(pk__in=keys).delete()


BEFORE = [
    migrations.CreateModel(
        "Order",
        [
            ("id", models.BigAutoField(primary_key=True)),
            ("note", models.CharField(max_length=50)),
        ],
    )
]

HAZARD = [migration(migrations.RunSQL("DELETE FROM shop_order WHERE note = ''", migrations.RunSQL.noop))]

SAFE = [migration(repeatable(migrations.RunPython(delete_in_batches, migrations.RunPython.noop)), atomic=False)]
