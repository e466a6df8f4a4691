from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("safe", "0003_key")]
    operations = [
        ValidateConstraint("order", "order_customer"),
    ]
