from __future__ import annotations

from typing import Any, ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [("depot", "0012_index_off")]
    operations: ClassVar[list[Any]] = [
        migrations.RunPython(migrations.RunPython.noop, migrations.RunPython.noop),
        migrations.RenameField("item", "keeper_number", "keeper_by"),
        migrations.AlterField(
            "item",
            "keeper_by",
            models.ForeignKey(
                "Owner", models.SET_NULL, null=True, to_field="number", related_name="+", db_column="keeper_by"
            ),
        ),
    ]
