from django.db import migrations


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("safe", "0001_initial")]
    operations = [
        migrations.RunSQL(
            "CREATE UNIQUE INDEX CONCURRENTLY email_quantity ON safe_order (email, quantity)",
            "DROP INDEX CONCURRENTLY IF EXISTS email_quantity",
        ),
        migrations.RunSQL(
            "ALTER TABLE safe_order ADD CONSTRAINT email_quantity UNIQUE USING INDEX email_quantity",
            "ALTER TABLE safe_order DROP CONSTRAINT email_quantity",
            state_operations=[
                migrations.AlterUniqueTogether("order", {("email", "quantity")}),
            ],
        ),
    ]
