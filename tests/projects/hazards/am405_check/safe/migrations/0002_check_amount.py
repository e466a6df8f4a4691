from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):
    phase = "post_deploy"
    dependencies = [("safe", "0001_initial")]
    operations = [
        AddConstraintNotValid(
            "order", models.CheckConstraint(condition=models.Q(amount__gte=0), name="amount_positive")
        ),
    ]
