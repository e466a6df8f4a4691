from django.db import migrations


class Migration(migrations.Migration):
    phase = "post_deploy"
    dependencies = [("safe", "0002_forget_note")]
    operations = [
        migrations.RunSQL("ALTER TABLE safe_order DROP COLUMN note", migrations.RunSQL.noop),
    ]
