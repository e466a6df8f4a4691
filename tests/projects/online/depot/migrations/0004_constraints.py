from __future__ import annotations

from typing import Any, ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [("depot", "0003_no_index")]
    operations: ClassVar[list[Any]] = [
        migrations.AddConstraint("item", models.CheckConstraint(condition=models.Q(count__gte=0), name="item_count_positive")),
        migrations.AddConstraint(
            "item",
            models.UniqueConstraint(fields=["name", "count"], deferrable=models.Deferrable.DEFERRED, name="item_unique"),
        ),
        migrations.AddConstraint(
            "item", models.UniqueConstraint(fields=["name"], condition=models.Q(count__gt=3), name="item_name_part")
        ),
    ]
