import os

from django.db import migrations


def hold(apps, editor):
    if statement := os.environ.get("HOLD"):
        with editor.connection.cursor() as cursor:
            cursor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("visits", "0002_count")]
    operations = [migrations.RunPython(hold, migrations.RunPython.noop)]
