from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("safe", "0001_initial")]
    operations = [
        migrations.CreateModel(
            "NewBooking",
            [("id", models.BigAutoField(primary_key=True)), ("during", DateRangeField())],
            options={"constraints": [ExclusionConstraint(name="no_two", expressions=[("during", "&&")])]},
        ),
    ]
