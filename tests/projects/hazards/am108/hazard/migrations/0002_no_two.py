from django.contrib.postgres.constraints import ExclusionConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("hazard", "0001_initial")]
    operations = [
        migrations.AddConstraint("booking", ExclusionConstraint(name="no_two", expressions=[("during", "&&")])),
    ]
