from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    phase = "post_deploy"
    dependencies = [("safe", "0002_check_amount")]
    operations = [
        ValidateConstraint("order", "amount_positive"),
    ]
