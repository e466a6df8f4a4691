"""Waits until the file named by GATE is there; fails if it says so."""

import os
import time
from pathlib import Path

from django.db import migrations


def wait(apps, schema_editor):
    gate = Path(os.environ["GATE"])
    while not gate.exists():
        time.sleep(0.02)
    if gate.read_text() == "fail":
        raise ValueError("the gate says no")


class Migration(migrations.Migration):
    dependencies = [("parcels", "0002_talk")]
    operations = [migrations.RunPython(wait, migrations.RunPython.noop)]
