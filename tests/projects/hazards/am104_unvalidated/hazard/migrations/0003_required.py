from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("hazard", "0002_check")]
    operations = [
        migrations.AlterField("order", "quantity", models.IntegerField()),
           migrations.RemoveConstraint("order", "quantity_there"),
    ]
