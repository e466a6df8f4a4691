from __future__ import annotations

from typing import Any, ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [("depot", "0007_other_together")]
    operations: ClassVar[list[Any]] = [
        migrations.AddField("item", "tag", models.CharField(max_length=20, null=True, db_index=True, db_comment="of the depot")),
        migrations.AddField("item", "number", models.PositiveIntegerField(null=True, unique=True)),
        migrations.AddField("item", "keeper", models.ForeignKey("Owner", models.SET_NULL, null=True, related_name="+")),
        migrations.AddField("item", "twin", models.OneToOneField("self", models.SET_NULL, null=True)),
        migrations.AddField("item", "weight", models.IntegerField(default=7)),
    ]
