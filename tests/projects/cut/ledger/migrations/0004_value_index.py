from django.db import migrations


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("ledger", "0003_value")]
    operations = [
        migrations.RunSQL("CREATE INDEX CONCURRENTLY IF NOT EXISTS ledger_entry_value ON ledger_entry (value)")
    ]
