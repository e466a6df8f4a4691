from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("safe", "0002_check")]
    operations = [
        ValidateConstraint("order", "quantity_there"),
           migrations.AlterField("order", "quantity", models.IntegerField()),
           migrations.RemoveConstraint("order", "quantity_there"),
    ]
