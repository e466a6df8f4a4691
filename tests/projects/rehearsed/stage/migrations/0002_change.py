import os

from django.db import migrations

from tests.projects.rehearsed.stage.changes import change


class Migration(migrations.Migration):
    atomic = os.environ.get("CHANGE") != "concurrently"
    dependencies = [("stage", "0001_initial")]
    operations = change()
