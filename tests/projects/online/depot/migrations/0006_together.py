from __future__ import annotations

from typing import Any, ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [("depot", "0005_no_constraints")]
    operations: ClassVar[list[Any]] = [
        migrations.AlterUniqueTogether("item", {("name", "code"), ("name", "count")}),
    ]
