from django.contrib.postgres.operations import AddConstraintNotValid, ValidateConstraint
from django.db import migrations, models

CHECK = models.CheckConstraint(condition=models.Q(total__gte=0), name="order_total_positive")


class Migration(migrations.Migration):
    dependencies = [("safe", "0001_initial")]
    operations = [AddConstraintNotValid("order", CHECK)]
