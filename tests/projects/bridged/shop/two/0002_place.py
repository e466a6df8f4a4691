from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]
    operations = [
        migrations.AddField("Order", "place", models.IntegerField(default=7)),
        migrations.AlterField("Order", "note", models.CharField(max_length=50, default="none")),
    ]
