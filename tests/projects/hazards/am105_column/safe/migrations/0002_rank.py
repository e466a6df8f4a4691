from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("safe", "0001_initial")]
    operations = [
        migrations.RunSQL(
            "ALTER TABLE safe_order ADD COLUMN rank integer NULL",
            "ALTER TABLE safe_order DROP COLUMN rank",
            state_operations=[migrations.AddField("order", "rank", models.PositiveIntegerField(null=True))],
        ),
        migrations.RunSQL(
            "ALTER TABLE safe_order ADD CONSTRAINT safe_order_rank_check CHECK (rank >= 0) NOT VALID",
            "ALTER TABLE safe_order DROP CONSTRAINT safe_order_rank_check",
        ),
    ]
