from django.db import migrations

from tests.projects.locks.shop.changes import change, is_atomic


class Migration(migrations.Migration):
    dependencies = [("shop", "0002_change")]
    atomic = is_atomic("THEN")
    operations = change("THEN")
