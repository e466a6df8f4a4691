from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("naps", "0001_initial")]
    operations = [migrations.RunSQL("SELECT pg_sleep(seconds) FROM naps_nap")]
