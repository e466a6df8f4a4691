from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.db import migrations, models

N = ("n", models.IntegerField(default=0))


def fill(apps: Any, schema_editor: Any) -> None:
    def make(name: str, values: list[dict[str, Any]]) -> None:
        model = apps.get_model("stock", name)
        model.objects.using(schema_editor.connection.alias).bulk_create([model(**given) for given in values], 500)

    make("Item", [{}] * 500)
    make("Parcel", [{"id": uuid.uuid4()} for _number in range(60)])
    make("Tag", [{"name": f"tag {number} ' ç"} for number in range(60)])
    make("Line", [{"order": order, "number": number} for order in range(12) for number in range(5)])


class Migration(migrations.Migration):
    initial = True
    operations: ClassVar = [
        migrations.CreateModel("Item", [("id", models.BigAutoField(primary_key=True)), N]),
        migrations.CreateModel("Parcel", [("id", models.UUIDField(primary_key=True)), N]),
        migrations.CreateModel("Tag", [("name", models.CharField(max_length=40, primary_key=True)), N]),
        migrations.CreateModel(
            "Line",
            [
                ("pk", models.CompositePrimaryKey("order", "number")),
                ("order", models.IntegerField()),
                ("number", models.IntegerField()),
                N,
            ],
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
