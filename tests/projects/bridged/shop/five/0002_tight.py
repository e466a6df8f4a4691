from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]
    operations = [
        migrations.AlterField("Order", "note", models.CharField(max_length=50)),
        migrations.AddConstraint(
            "Order", models.CheckConstraint(condition=models.Q(number__gt=5), name="number_above_five")
        ),
    ]
