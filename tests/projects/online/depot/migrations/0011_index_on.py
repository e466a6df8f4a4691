from __future__ import annotations

from typing import Any, ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [("depot", "0010_many")]
    operations: ClassVar[list[Any]] = [
        migrations.AlterField("item", "name", models.CharField(max_length=40, db_index=True)),
        migrations.AlterField("item", "place", models.CharField(max_length=30, null=True, unique=True)),
    ]
