from django.contrib.postgres.functions import RandomUUID
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("safe", "0005_validate")]
    operations = [
        # Django's own operation would look for rows to write the default into first.
        migrations.RunSQL(
            "ALTER TABLE safe_order ALTER COLUMN token SET NOT NULL",
            "ALTER TABLE safe_order ALTER COLUMN token DROP NOT NULL",
            state_operations=[migrations.AlterField("order", "token", models.UUIDField(db_default=RandomUUID()))],
        ),
        migrations.RemoveConstraint("order", "token_there"),
    ]
