from __future__ import annotations

from typing import Any, ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [("depot", "0013_key")]
    operations: ClassVar[list[Any]] = [
        migrations.AlterField("item", "place", models.CharField(max_length=30)),
        migrations.AlterField("item", "note", models.CharField(max_length=30, default="none")),
        migrations.AlterField("slip", "owner", models.ForeignKey("Owner", models.CASCADE, null=True)),
        migrations.AlterField("slip", "owner", models.ForeignKey("Owner", models.CASCADE)),
    ]
