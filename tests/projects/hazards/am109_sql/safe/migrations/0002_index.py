from django.db import migrations


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("safe", "0001_initial")]
    operations = [
        migrations.RunSQL(
            "CREATE INDEX CONCURRENTLY order_email ON safe_order (lower(email))", "DROP INDEX CONCURRENTLY order_email"
        ),
    ]
