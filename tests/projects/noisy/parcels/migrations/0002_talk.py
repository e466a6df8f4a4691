"""Writes to standard output in every way there is."""

import logging
import subprocess

from django.db import migrations


def talk(apps, schema_editor):
    print("printed")
    logging.getLogger("parcels").info("logged")
    subprocess.run(["echo", "echoed"], check=True)


class Migration(migrations.Migration):
    dependencies = [("parcels", "0001_initial")]
    operations = [migrations.RunPython(talk, migrations.RunPython.noop)]
