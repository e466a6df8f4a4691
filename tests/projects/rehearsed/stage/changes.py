"""What the second migration does: `CHANGE` names it."""

from __future__ import annotations

import os
import threading

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import connections, migrations, models

BY_TITLE = models.Index(fields=["title"], name="book_by_title")


def write_everywhere(apps, editor):
    """Write as careless code does: by the default alias, in raw SQL, and in a thread with a connection of its own."""
    apps.get_model("stage", "Book").objects.create(title="from a model")

    def write():
        with connections["default"].cursor() as cursor:
            cursor.execute("INSERT INTO stage_book (title) VALUES ('from a thread')")
        connections["default"].close()

    thread = threading.Thread(target=write)
    thread.start()
    thread.join()
    titles = apps.get_model("stage", "Book").objects.values_list("title", flat=True)
    print("written", sorted(titles))  # noqa: T201 # for the test to read


def write_elsewhere(apps, editor):
    """Write to another database of the project."""
    apps.get_model("stage", "Book").objects.using("other").create(title="elsewhere")


CHANGES = {
    "": [
        migrations.AddField("Book", "pages", models.IntegerField(null=True)),
        migrations.AddIndex("Book", BY_TITLE),
    ],
    "concurrently": [AddIndexConcurrently("Book", BY_TITLE)],
    "everywhere": [migrations.RunPython(write_everywhere)],
    "elsewhere": [migrations.RunPython(write_elsewhere)],
    "role": [migrations.RunSQL("CREATE ROLE stage_reader; ALTER TABLE stage_book ADD pages int")],
    "sleep": [migrations.RunSQL("SELECT pg_sleep(120)")],
    "fail": [migrations.RunSQL("ALTER TABLE stage_missing ADD pages int")],
}


def change():
    """Return the operations that the environment names."""
    return CHANGES[os.environ.get("CHANGE", "")]
