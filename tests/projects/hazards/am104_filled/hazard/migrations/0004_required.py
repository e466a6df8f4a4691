from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("hazard", "0003_validate")]
    operations = [
        migrations.AlterField("order", "quantity", models.IntegerField(default=0)),
           migrations.RemoveConstraint("order", "quantity_there"),
    ]
