from django.db import migrations


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("safe", "0001_initial")]
    operations = [
        migrations.RunSQL(
            "ALTER TABLE safe_event DETACH PARTITION safe_event_2025 CONCURRENTLY", migrations.RunSQL.noop
        ),
    ]
