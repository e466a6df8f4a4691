from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("safe", "0001_initial")]
    operations = [
        migrations.RunSQL(
            "CREATE UNIQUE INDEX CONCURRENTLY order_email ON safe_order (email)",
            "DROP INDEX CONCURRENTLY IF EXISTS order_email",
        ),
        migrations.RunSQL(
            "ALTER TABLE safe_order ADD CONSTRAINT order_email UNIQUE USING INDEX order_email",
            "ALTER TABLE safe_order DROP CONSTRAINT order_email",
            state_operations=[
                migrations.AddConstraint("order", models.UniqueConstraint(fields=["email"], name="order_email")),
            ],
        ),
    ]
