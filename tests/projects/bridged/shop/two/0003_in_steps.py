from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("shop", "0002_place")]
    operations = [
        migrations.AddField("Order", "shelf", models.CharField(max_length=9, default="a")),
        migrations.AlterField("Order", "place", models.BigIntegerField(default=8)),
    ]
