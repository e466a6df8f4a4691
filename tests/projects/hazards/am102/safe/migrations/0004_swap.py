from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("safe", "0003_fill")]
    operations = [
        migrations.RemoveField("order", "quantity"),
           migrations.RenameField("order", "quantity_new", "quantity"),
    ]
