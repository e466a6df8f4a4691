from __future__ import annotations

from typing import Any, ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [("depot", "0011_index_on")]
    operations: ClassVar[list[Any]] = [
        migrations.AlterField("item", "name", models.CharField(max_length=40)),
        migrations.AlterField("item", "place", models.CharField(max_length=30, null=True)),
        migrations.AlterField("owner", "name", models.CharField(max_length=40, db_index=True)),
        migrations.AlterField("owner", "name", models.CharField(max_length=40, unique=True)),
        migrations.AlterField("item", "code", models.CharField(max_length=20, db_index=True)),
    ]
