"""Statements that may fail within a transaction of others."""

from __future__ import annotations

import contextlib

from django.db import connections
from django.db.transaction import atomic


def savepoint(alias: str) -> contextlib.AbstractContextManager[None]:
    """Take what fails within the block back by itself where a transaction is open; where none is, open none."""
    return atomic(using=alias) if connections[alias].in_atomic_block else contextlib.nullcontext()
