from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("safe", "0002_check")]
    operations = [
        ValidateConstraint("order", "quantity_there"),
    ]
