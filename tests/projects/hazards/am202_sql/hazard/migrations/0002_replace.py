from django.db import migrations


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("hazard", "0001_initial")]
    operations = [
        migrations.RunSQL("DROP INDEX CONCURRENTLY order_note", migrations.RunSQL.noop),
        migrations.RunSQL("CREATE INDEX CONCURRENTLY order_note ON hazard_order (note, total)", migrations.RunSQL.noop),
    ]
