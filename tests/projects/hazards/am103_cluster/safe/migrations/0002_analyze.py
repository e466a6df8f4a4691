from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("safe", "0001_initial")]
    operations = [
        migrations.RunSQL("ANALYZE safe_order", migrations.RunSQL.noop),
    ]
