from django.db import migrations

import auto_migrate


@auto_migrate.acknowledge("AM301", reason="No running code knows it any more.")
class Migration(migrations.Migration):
    phase = "post_deploy"
    dependencies = [("safe", "0002_forget_note")]
    operations = [
        migrations.RunSQL("ALTER TABLE safe_order DROP COLUMN note", migrations.RunSQL.noop),
    ]
