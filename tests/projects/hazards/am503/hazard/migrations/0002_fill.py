from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("hazard", "0001_initial")]
    operations = [
        migrations.RunSQL("UPDATE hazard_order SET total = 0 WHERE total IS NULL", migrations.RunSQL.noop),
    ]
