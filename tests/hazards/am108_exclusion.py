"""An exclusion constraint cannot be added without holding everybody up; a new table has it from the beginning."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField
from django.db import migrations, models

from tests.hazards import migration

ENDS_ELSEWHERE = "The constraint is on a new table, into which the rows are moved."

BEFORE = [
    migrations.CreateModel("Booking", [("id", models.BigAutoField(primary_key=True)), ("during", DateRangeField())])
]

HAZARD = [
    migration(migrations.AddConstraint("booking", ExclusionConstraint(name="no_two", expressions=[("during", "&&")])))
]

SAFE = [
    migration(
        migrations.CreateModel(
            "NewBooking",
            [("id", models.BigAutoField(primary_key=True)), ("during", DateRangeField())],
            options={"constraints": [ExclusionConstraint(name="no_two", expressions=[("during", "&&")])]},
        )
    )
]
