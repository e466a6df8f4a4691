from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    operations = [
        migrations.CreateModel("Customer", [("id", models.BigAutoField(primary_key=True))]),
        migrations.CreateModel(
            "Order",
            [
                ("id", models.BigAutoField(primary_key=True)),
                ("note", models.CharField(max_length=50, null=True)),
                ("number", models.IntegerField()),
                ("customer", models.ForeignKey("shop.Customer", models.CASCADE)),
            ],
        ),
        migrations.RunSQL("INSERT INTO shop_customer DEFAULT VALUES"),
    ]
