from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("safe", "0003_validate")]
    operations = [
        migrations.AlterField("order", "quantity", models.IntegerField()),
           migrations.RemoveConstraint("order", "quantity_there"),
    ]
