"""What the second and third migration do: `CHANGE` and `THEN` name them."""

from __future__ import annotations

import os
import time

from django.contrib.postgres.operations import AddConstraintNotValid, AddIndexConcurrently, ValidateConstraint
from django.db import migrations, models

PRICED = models.CheckConstraint(condition=models.Q(price__gte=0), name="order_priced")
NUMBERS = models.Index(fields=["price"], name="order_price")


def work(apps, editor):
    """Work in Python for as long as somebody holds the advisory lock 42."""
    with editor.connection.cursor() as cursor:
        while True:
            cursor.execute("SELECT pg_try_advisory_xact_lock(42)")
            if cursor.fetchone()[0]:
                return
            time.sleep(0.05)


def note(model):
    return migrations.AddField(model, "note", models.TextField(null=True))


def line_of(model):
    return migrations.CreateModel(
        "Line",
        [("id", models.BigAutoField(primary_key=True)), ("of", models.ForeignKey(model, models.CASCADE))],
    )


CHANGES = {
    "": [],
    "column": [note("Order")],
    "two_tables": [note("Order"), note("Customer")],
    "work": [migrations.RunPython(work)],
    "work_then_column": [migrations.RunPython(work), note("Order")],
    "column_work_column": [note("Customer"), migrations.RunPython(work), note("Order")],
    "table_work_column": [line_of("Order"), migrations.RunPython(work), note("Order")],
    "sql": [migrations.RunSQL("ALTER TABLE shop_order ADD note text")],
    "concurrently": [AddIndexConcurrently("Order", NUMBERS)],
    "not_valid": [AddConstraintNotValid("Order", PRICED)],
    "validate": [ValidateConstraint("Order", "order_priced")],
}


def change(variable, default=""):
    """Return the operations that the environment names."""
    return CHANGES[os.environ.get(variable, default)]


def is_atomic(variable, default=""):
    """Return whether they fit into one transaction."""
    return os.environ.get(variable, default) != "concurrently"
