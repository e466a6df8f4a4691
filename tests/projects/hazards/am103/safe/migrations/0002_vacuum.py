from django.db import migrations


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("safe", "0001_initial")]
    operations = [
        migrations.RunSQL("VACUUM (ANALYZE) safe_order", migrations.RunSQL.noop),
    ]
