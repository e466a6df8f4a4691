from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("shop", "0003_amount_index")]
    operations = [
        migrations.AddField("order", "status", models.CharField(default="new", max_length=20)),
        AddIndexConcurrently("order", models.Index(fields=["status"], name="shop_order_status")),
        RemoveIndexConcurrently("order", "shop_order_amount"),
    ]
