from django.db import migrations

from auto_migrate import repeatable


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("shop", "0005_double")]
    operations = [
        repeatable(
            migrations.RunSQL("CREATE INDEX CONCURRENTLY IF NOT EXISTS shop_order_pair ON shop_order (number, amount)")
        )
    ]
