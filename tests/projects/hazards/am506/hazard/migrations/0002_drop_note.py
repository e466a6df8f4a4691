from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("hazard", "0001_initial")]
    operations = [
        migrations.RemoveField("order", "note"),
    ]
