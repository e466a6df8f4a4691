from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("safe", "0001_initial")]
    operations = [
        migrations.RunSQL(
            "DROP INDEX CONCURRENTLY safe_order_number_ff5546ba",
            migrations.RunSQL.noop,
            state_operations=[migrations.AlterField("order", "number", models.IntegerField())],
        ),
    ]
