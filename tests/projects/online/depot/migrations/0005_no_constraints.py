from __future__ import annotations

from typing import Any, ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [("depot", "0004_constraints")]
    operations: ClassVar[list[Any]] = [
        migrations.RemoveConstraint("item", "item_count_positive"),
        migrations.RemoveConstraint("item", "item_unique"),
        migrations.RemoveConstraint("item", "item_name_part"),
    ]
