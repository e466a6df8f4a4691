from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("safe", "0001_initial")]
    operations = [
        AddIndexConcurrently("order", models.Index(fields=["email"], name="order_email")),
    ]
