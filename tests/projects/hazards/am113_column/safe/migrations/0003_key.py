from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("safe", "0002_customer")]
    operations = [
        migrations.RunSQL(
            "ALTER TABLE safe_order ADD CONSTRAINT order_customer FOREIGN KEY (customer_id) REFERENCES safe_customer (id)"
            " DEFERRABLE INITIALLY DEFERRED NOT VALID",
            "ALTER TABLE safe_order DROP CONSTRAINT order_customer",
            state_operations=[
                migrations.AlterField(
                    "order", "customer", models.ForeignKey("safe.customer", models.CASCADE, null=True, db_index=False)
                ),
            ],
        ),
    ]
