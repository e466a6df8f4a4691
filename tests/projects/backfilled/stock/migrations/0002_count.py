from __future__ import annotations

from typing import Any, ClassVar

from django.db import migrations
from django.db.models import F

from auto_migrate.operations import Backfill


def count(apps: Any, schema_editor: Any, batch: Any) -> None:
    for row in batch:
        row.n = row.n + 1
        row.save(update_fields=["n"])


UP = {"n": F("n") + 1}


class Migration(migrations.Migration):
    dependencies: ClassVar = [("stock", "0001_initial")]
    operations: ClassVar = [
        Backfill("stock.Item", "items", set=UP, reverse_set={"n": F("n") - 1}, batch_rows=20),
        Backfill("stock.Parcel", "parcels", set=UP, reverse_function=Backfill.noop, batch_rows=10),
        Backfill("stock.Tag", "tags", function=count, reverse_set={"n": F("n") - 1}, batch_rows=10),
        Backfill("stock.Line", "lines", set=UP, reverse_set={"n": F("n") - 1}, batch_rows=7, background=True),
    ]
