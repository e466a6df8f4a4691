from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("shop", "0002_tight")]
    operations = [migrations.AlterField("Order", "number", models.PositiveIntegerField())]
