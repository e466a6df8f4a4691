from django.db import migrations


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("hazard", "0001_initial")]
    operations = [
        migrations.RunSQL("VACUUM FULL hazard_order", migrations.RunSQL.noop),
    ]
