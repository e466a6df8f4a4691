from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("safe", "0001_initial")]
    operations = [
        migrations.AlterModelTable("Order", "safe_order"),
        migrations.RenameModel("Order", "Purchase"),
    ]
