from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("safe", "0001_initial")]
    operations = [
        migrations.RunSQL(
            "CREATE UNIQUE INDEX CONCURRENTLY order_email ON safe_order (email) WHERE quantity IS NOT NULL",
            "DROP INDEX CONCURRENTLY order_email",
            state_operations=[
                migrations.AddConstraint(
                    "order",
                    models.UniqueConstraint(fields=["email"], condition=models.Q(quantity__isnull=False), name="order_email"),
                ),
            ],
        ),
    ]
