from __future__ import annotations

from typing import Any, ClassVar

from django.db import migrations, models
from django.db.models.functions import Ceil, Random


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [("depot", "0008_fields")]
    operations: ClassVar[list[Any]] = [
        migrations.AddField("item", "token", models.FloatField(db_default=Ceil(Random()))),
    ]
