from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("safe", "0001_initial")]
    operations = [
        migrations.RunSQL("ALTER TABLE safe_order ADD COLUMN off int"),
           migrations.RunSQL("ALTER TABLE safe_order ADD CONSTRAINT off_percent CHECK (off <= 100) NOT VALID"),
    ]
