from django.db import migrations


class Migration(migrations.Migration):
    phase = "post_deploy"
    dependencies = [("safe", "0002_forget_tags")]
    operations = [
        migrations.RunSQL("DROP TABLE safe_order_tags", migrations.RunSQL.noop),
    ]
