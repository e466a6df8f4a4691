from django.db import migrations


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("hazard", "0001_initial")]
    operations = [
        migrations.RunSQL(
            "ALTER TABLE hazard_order ADD CONSTRAINT positive CHECK (quantity >= 0) NOT VALID;"
            " ALTER TABLE hazard_order VALIDATE CONSTRAINT positive",
            "ALTER TABLE hazard_order DROP CONSTRAINT positive",
        ),
    ]
