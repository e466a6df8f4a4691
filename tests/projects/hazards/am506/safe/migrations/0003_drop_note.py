from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("safe", "0002_colour")]
    operations = [
        migrations.RemoveField("order", "note"),
    ]
