from django.db import migrations


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("safe", "0001_initial")]
    operations = [
        migrations.RunSQL(
            [
                "ALTER TABLE safe_order ADD CONSTRAINT positive CHECK (quantity >= 0) NOT VALID",
                "ALTER TABLE safe_order VALIDATE CONSTRAINT positive",
            ],
            "ALTER TABLE safe_order DROP CONSTRAINT positive",
        ),
    ]
