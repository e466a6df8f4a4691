from django.db import migrations

import auto_migrate


@auto_migrate.acknowledge("AM302", reason="No running code knows it any more.")
class Migration(migrations.Migration):
    phase = "post_deploy"
    dependencies = [("safe", "0002_forget_tags")]
    operations = [
        migrations.RunSQL("DROP TABLE safe_order_tags", migrations.RunSQL.noop),
    ]
