from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import connection, migrations, models

# Deliveries are written while PostgreSQL builds them; SQLite, of a developer's machine, knows no such thing.
AddIndex: type[migrations.AddIndex] = AddIndexConcurrently if connection.vendor == "postgresql" else migrations.AddIndex


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("webhooks", "0003_limits")]

    operations = [
        AddIndex("payment", models.Index(fields=["customer_phone"], name="payment_phone")),
        AddIndex("payment", models.Index(fields=["gateway", "external_id"], name="payment_order")),
        AddIndex("recoverysms", models.Index(fields=["phone", "claimed_at"], name="recovery_sms_phone")),
    ]
