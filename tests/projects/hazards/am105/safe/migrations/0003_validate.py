from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("safe", "0002_positive")]
    operations = [
        ValidateConstraint("order", "quantity_positive"),
    ]
