from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("hazard", "0001_initial")]
    operations = [
        migrations.RunSQL("ALTER TABLE hazard_order ADD COLUMN off hazard_percent"),
    ]
