from __future__ import annotations

from typing import Any, ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [("depot", "0001_initial")]
    operations: ClassVar[list[Any]] = [
        migrations.AddIndex("item", models.Index(fields=["count", "-name"], name="item_count")),
        migrations.AddIndex(
            "item", models.Index(models.F("name"), condition=models.Q(count__gt=5), include=["code"], name="item_part")
        ),
    ]
