from django.db import migrations

from tests.projects.locks.shop.changes import change, is_atomic


class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]
    atomic = is_atomic("CHANGE", "column")
    operations = change("CHANGE", "column")
