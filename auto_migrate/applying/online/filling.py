"""Rows written block by block: a range of a table's blocks in a transaction of its own each.

No key is needed, and nothing is kept of how far it came: a row that is filled is passed over by the next try. What is
written goes to the end of the table, and is found filled there (`ctid` ranges are scans of their own since 14).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from auto_migrate.applying.online.catalogue import Catalogue
from auto_migrate.applying.online.step import Step
from auto_migrate.clock import Clock

BLOCKS = "SELECT pg_relation_size(to_regclass(%s)) / current_setting('block_size')::bigint"
# How many blocks at first and at most, and how long, in seconds, a transaction shall take.
FIRST = 32
MOST = 4096
TARGET = 0.2


def fill(
    catalogue: Catalogue, step: Step, transaction: Callable[[], AbstractContextManager[None]], clock: Clock
) -> None:
    """Carry out the one statement of a step, which has a WHERE, on all blocks in turn."""
    (statement,) = step.sql
    low, size = 0, FIRST
    while low < (end := int(catalogue.rows(BLOCKS, [step.table])[0][0])):
        clock.check()
        high = min(low + size, end)
        started = clock.monotonic()
        with transaction():
            catalogue.execute(f"{statement} AND ctid >= '({low},0)' AND ctid < '({high},0)'")
        taken = clock.monotonic() - started
        low = high
        size = max(1, min(MOST, size * 2 if taken < TARGET / 2 else size // 2 if taken > TARGET else size))
