from django.db import migrations


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("hazard", "0001_initial")]
    operations = [
        migrations.RunSQL(
            "SET maintenance_work_mem = '1GB'; CREATE INDEX CONCURRENTLY order_note ON hazard_order (note)",
            "DROP INDEX CONCURRENTLY order_note",
        ),
    ]
