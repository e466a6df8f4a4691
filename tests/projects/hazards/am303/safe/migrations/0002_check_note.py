from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models
from django.db.models.functions import Length
from django.db.models.lookups import LessThanOrEqual


class Migration(migrations.Migration):
    dependencies = [("safe", "0001_initial")]
    operations = [
        AddConstraintNotValid(
            "order",
            models.CheckConstraint(condition=LessThanOrEqual(Length("note"), 20), name="note_length"),
        ),
    ]
