from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("safe", "0001_initial")]
    operations = [
        migrations.RunSQL(
            "ALTER TABLE safe_order ALTER COLUMN customer_id DROP NOT NULL",
            "ALTER TABLE safe_order ALTER COLUMN customer_id SET NOT NULL",
            state_operations=[
                migrations.AlterField("order", "customer", models.ForeignKey("safe.customer", models.CASCADE, null=True)),
            ],
        ),
    ]
