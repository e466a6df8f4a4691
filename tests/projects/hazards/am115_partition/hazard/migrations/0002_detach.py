from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("hazard", "0001_initial")]
    operations = [
        migrations.RunSQL("ALTER TABLE hazard_event DETACH PARTITION hazard_event_2025", migrations.RunSQL.noop),
    ]
