from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("shop", "0002_number")]
    operations = [AddIndexConcurrently("order", models.Index(fields=["amount"], name="shop_order_amount"))]
