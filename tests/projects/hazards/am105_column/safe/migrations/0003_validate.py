from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("safe", "0002_rank")]
    operations = [
        ValidateConstraint("order", "safe_order_rank_check"),
    ]
