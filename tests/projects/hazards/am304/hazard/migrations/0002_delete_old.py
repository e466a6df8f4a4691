from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("hazard", "0001_initial")]
    operations = [
        migrations.RunSQL("DELETE FROM hazard_order WHERE note = ''", migrations.RunSQL.noop),
    ]
