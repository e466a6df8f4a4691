from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("safe", "0003_fill")]
    operations = [
        AddConstraintNotValid("order", models.CheckConstraint(condition=models.Q(token__isnull=False), name="token_there")),
    ]
