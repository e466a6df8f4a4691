from __future__ import annotations

from typing import Any, ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [("depot", "0009_random")]
    operations: ClassVar[list[Any]] = [
        migrations.AddField("item", "friends", models.ManyToManyField("Owner", related_name="+")),
    ]
