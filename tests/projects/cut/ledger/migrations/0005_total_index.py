from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("ledger", "0004_value_index")]
    operations = [AddIndexConcurrently("entry", models.Index(fields=["total"], name="ledger_entry_total"))]
