from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("safe", "0002_percent")]
    operations = [
        migrations.RunSQL("ALTER TABLE safe_order VALIDATE CONSTRAINT off_percent"),
    ]
