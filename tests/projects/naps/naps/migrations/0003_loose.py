from django.db import migrations

from auto_migrate import repeatable


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("naps", "0002_atomic")]
    operations = [repeatable(migrations.RunSQL("SELECT pg_sleep(seconds) FROM naps_nap"))]
