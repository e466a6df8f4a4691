from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("safe", "0001_initial")]
    operations = [migrations.RunSQL("CREATE SEQUENCE safe_number", "DROP SEQUENCE safe_number")]
