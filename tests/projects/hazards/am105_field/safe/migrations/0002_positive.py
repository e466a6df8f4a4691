from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("safe", "0001_initial")]
    operations = [
        migrations.RunSQL(
            "ALTER TABLE safe_order ADD CONSTRAINT safe_order_quantity_check CHECK (quantity >= 0) NOT VALID",
            "ALTER TABLE safe_order DROP CONSTRAINT safe_order_quantity_check",
            state_operations=[migrations.AlterField("order", "quantity", models.PositiveIntegerField(null=True))],
        ),
    ]
