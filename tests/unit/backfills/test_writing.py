"""Backfills as migrations' files have them, which squashing writes anew."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.migrations import Migration
from django.db.migrations.writer import MigrationWriter
from django.db.models import F, Q

from auto_migrate.operations import Backfill, FinishBackfill


def fill(apps: Any, schema_editor: Any, batch: Any) -> None:
    """Do nothing."""


OPERATIONS = [
    Backfill("shop.Order", "a", set={"total": F("net") + 1}, where=Q(total=None), reverse_set={"total": None}),
    Backfill("shop.Order", "b", function=fill, reverse_function=Backfill.noop, background=True),
    Backfill("shop.Order", "c", function=fill, batch_rows=5, target_seconds=0.1),
    FinishBackfill("shop", "b"),
]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_what_is_written_is_what_was_read(operation: Any) -> None:
    migration = Migration("0001_squashed", "shop")
    migration.operations = [operation]
    module: dict[str, Any] = {}
    exec(MigrationWriter(migration).as_string(), module)  # what Django itself has written
    (again,) = module["Migration"].operations
    assert type(again) is type(operation)
    assert {**vars(again), "_constructor_args": None} == {**vars(operation), "_constructor_args": None}
