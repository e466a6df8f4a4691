"""Rows written block by block: a range of a table's blocks in a transaction of its own each.

No key is needed, and nothing is kept of how far it came: a row that is filled is passed over by the next try. What is
written goes to the end of the table, and is found filled there (`ctid` ranges are scans of their own since 14).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from django.db import OperationalError

from auto_migrate.applying.online.catalogue import Catalogue
from auto_migrate.applying.online.step import Step
from auto_migrate.clock import Clock
from auto_migrate.conf import get_settings

BLOCKS = "SELECT pg_relation_size(to_regclass(%s)) / current_setting('block_size')::bigint"
# How many blocks at first and at most, and how long, in seconds, a transaction shall take.
FIRST = 8
MOST = 4096
TARGET = 0.02
# What is waited, in seconds, for somebody who holds a row.
PAUSE = 0.5


def fill(
    catalogue: Catalogue, step: Step, transaction: Callable[[], AbstractContextManager[None]], clock: Clock
) -> None:
    """Carry out the one statement of a step, which has a WHERE, on all blocks in turn."""
    (statement,) = step.sql
    low, size, refused_since = 0, FIRST, None
    while low < (end := int(catalogue.rows(BLOCKS, [step.table])[0][0])):
        clock.check()
        high = min(low + size, end)
        started = clock.monotonic()
        try:
            with transaction():
                catalogue.execute(f"{statement} AND ctid >= '({low},0)' AND ctid < '({high},0)'")
        except OperationalError as error:
            fault = catalogue.database.fault_of(error)
            refused_since = refused_since or started
            if fault is None or not fault.kind.contention or started - refused_since > get_settings().LOCK_PATIENCE:
                raise
            # Somebody holds one of the rows: fewer at a time, so that the others are not held up along with it.
            size = max(1, size // 2)
            clock.pause(PAUSE)
            continue
        taken, refused_since = clock.monotonic() - started, None
        low = high
        size = max(1, min(MOST, size * 2 if taken < TARGET / 2 else size // 2 if taken > TARGET else size))
