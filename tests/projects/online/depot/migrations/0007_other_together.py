from __future__ import annotations

from typing import Any, ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [("depot", "0006_together")]
    operations: ClassVar[list[Any]] = [
        migrations.AlterUniqueTogether("item", {("name", "count"), ("code", "count")}),
    ]
