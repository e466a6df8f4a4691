from django.contrib.postgres.operations import AddConstraintNotValid, ValidateConstraint
from django.db import migrations, models

CHECK = models.CheckConstraint(condition=models.Q(total__gte=0), name="orders_are_either_paid_for_or_have_been_given_away_as_a_present_by_somebody")


class Migration(migrations.Migration):
    dependencies = [("hazard", "0001_initial")]
    operations = [AddConstraintNotValid("order", CHECK)]
