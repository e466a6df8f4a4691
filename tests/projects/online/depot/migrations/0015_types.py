from __future__ import annotations

from typing import Any, ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [("depot", "0014_required")]
    operations: ClassVar[list[Any]] = [
        migrations.AlterField("item", "name", models.CharField(max_length=80)),
        migrations.AlterField("item", "note", models.TextField(default="none", db_comment="a note")),
    ]
