from django.contrib.postgres.operations import AddConstraintNotValid, ValidateConstraint
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("hazard", "0001_initial")]
    operations = [
        AddConstraintNotValid("order", models.CheckConstraint(condition=models.Q(quantity__gte=0), name="quantity_positive")),
        ValidateConstraint("order", "quantity_positive"),
    ]
