from django.db import migrations


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("safe", "0001_initial")]
    operations = [
        migrations.RunSQL("CREATE INDEX CONCURRENTLY order_note_new ON safe_order (note, total)", migrations.RunSQL.noop),
        migrations.RunSQL("DROP INDEX CONCURRENTLY order_note", migrations.RunSQL.noop),
        migrations.RunSQL("ALTER INDEX order_note_new RENAME TO order_note", migrations.RunSQL.noop),
    ]
