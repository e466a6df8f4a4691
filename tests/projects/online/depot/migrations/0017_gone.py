from __future__ import annotations

from typing import Any, ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [("depot", "0016_wide")]
    operations: ClassVar[list[Any]] = [
        migrations.RemoveField("item", "keeper"),
        migrations.DeleteModel("Slip"),
    ]
