from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("safe", "0002_code")]
    operations = [
        migrations.RunSQL(
            "CREATE UNIQUE INDEX CONCURRENTLY safe_order_code_key ON safe_order (code)",
            "DROP INDEX CONCURRENTLY IF EXISTS safe_order_code_key",
        ),
        migrations.RunSQL(
            "ALTER TABLE safe_order ADD CONSTRAINT safe_order_code_key UNIQUE USING INDEX safe_order_code_key",
            "ALTER TABLE safe_order DROP CONSTRAINT safe_order_code_key",
            state_operations=[
                migrations.AlterField("order", "code", models.IntegerField(null=True, unique=True)),
            ],
        ),
    ]
