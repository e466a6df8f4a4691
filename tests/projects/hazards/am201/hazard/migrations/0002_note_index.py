from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("hazard", "0001_initial")]
    operations = [AddIndexConcurrently("order", models.Index(fields=["note"], name="order_note"))]
