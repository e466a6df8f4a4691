from django.db import migrations


class Migration(migrations.Migration):
    phase = "post_deploy"
    dependencies = [("safe", "0002_forget_order")]
    operations = [
        migrations.RunSQL("DROP TABLE safe_order", migrations.RunSQL.noop),
    ]
