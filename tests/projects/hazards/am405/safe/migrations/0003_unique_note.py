from django.db import migrations, models


class Migration(migrations.Migration):
    phase = "post_deploy"
    dependencies = [("safe", "0002_index_note")]
    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    "ALTER TABLE safe_order ADD CONSTRAINT safe_order_note UNIQUE USING INDEX safe_order_note",
                    "ALTER TABLE safe_order DROP CONSTRAINT safe_order_note",
                ),
            ],
            state_operations=[
                migrations.AddConstraint(
                    "order", models.UniqueConstraint(fields=["note"], name="safe_order_note")
                ),
            ],
        ),
    ]
