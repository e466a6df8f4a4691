from __future__ import annotations

from typing import Any, ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [("depot", "0002_indexes")]
    operations: ClassVar[list[Any]] = [
        migrations.RemoveIndex("item", "item_count"),
    ]
