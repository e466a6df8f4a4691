from __future__ import annotations

from typing import ClassVar

from django.db import migrations

from auto_migrate.operations import FinishBackfill


class Migration(migrations.Migration):
    dependencies: ClassVar = [("stock", "0002_count")]
    operations: ClassVar = [FinishBackfill("stock", "lines")]
