from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("safe", "0001_initial")]
    operations = [
        AddConstraintNotValid(
            "order",
            models.CheckConstraint(condition=models.Q(amount__range=(-2147483648, 2147483647)), name="amount_range"),
        ),
    ]
