from __future__ import annotations

from typing import Any, ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [("depot", "0015_types")]
    operations: ClassVar[list[Any]] = [
        migrations.AlterField("item", "count", models.BigIntegerField()),
        migrations.AlterField("owner", "id", models.AutoField(primary_key=True)),
        migrations.AlterField("owner", "id", models.BigAutoField(primary_key=True)),
    ]
