from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("hazard", "0001_initial")]
    operations = [
        RemoveIndexConcurrently("order", "order_note"),
        AddIndexConcurrently("order", models.Index(fields=["note", "total"], name="order_note_total")),
    ]
