from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("hazard", "0001_initial")]
    operations = [
        migrations.RunSQL("ALTER TYPE hazard_status RENAME VALUE 'paid' TO 'settled'", migrations.RunSQL.noop),
    ]
