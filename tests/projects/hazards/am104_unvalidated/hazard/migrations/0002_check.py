from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("hazard", "0001_initial")]
    operations = [
        AddConstraintNotValid("order", models.CheckConstraint(condition=models.Q(quantity__isnull=False), name="quantity_there")),
    ]
