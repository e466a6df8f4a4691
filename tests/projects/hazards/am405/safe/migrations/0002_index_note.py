from django.db import migrations


class Migration(migrations.Migration):
    atomic = False
    phase = "post_deploy"
    dependencies = [("safe", "0001_initial")]
    operations = [
        migrations.RunSQL(
            "CREATE UNIQUE INDEX CONCURRENTLY safe_order_note ON safe_order (note)",
            "DROP INDEX CONCURRENTLY safe_order_note",
        ),
    ]
