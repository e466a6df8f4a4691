from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("safe", "0003_validate")]
    operations = [
        migrations.RunSQL(
            "ALTER TABLE safe_order ALTER COLUMN quantity SET NOT NULL",
            "ALTER TABLE safe_order ALTER COLUMN quantity DROP NOT NULL",
            state_operations=[migrations.AlterField("order", "quantity", models.IntegerField(default=0))],
        ),
        migrations.RemoveConstraint("order", "quantity_there"),
    ]
