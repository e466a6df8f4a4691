from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("safe", "0001_initial")]
    operations = [
        migrations.RunSQL("ALTER TYPE safe_status ADD VALUE 'settled'", migrations.RunSQL.noop),
    ]
