from __future__ import annotations

from typing import Any, ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [("depot", "0017_gone")]
    operations: ClassVar[list[Any]] = [
        migrations.RenameModel("Owner", "Holder"),
        migrations.RenameField("item", "owner", "holder"),
        migrations.AlterField("item", "holder", models.ForeignKey("Holder", models.CASCADE, null=True)),
        migrations.AddField("item", "grade", models.IntegerField(default=1)),
        migrations.RenameField("item", "grade", "level"),
        migrations.AlterField("item", "level", models.CharField(max_length=5, default="1")),
        # A default that is there before the NOT NULL, and names that a column leaves behind.
        migrations.AddField("item", "rank", models.PositiveIntegerField(null=True)),
        migrations.AlterField("item", "rank", models.PositiveIntegerField(db_default=4)),
        migrations.RenameField("item", "rank", "former_rank"),
        migrations.AddField("item", "rank", models.PositiveIntegerField(null=True, unique=True)),
    ]
