"""How functions go through rows."""

from __future__ import annotations

import dataclasses
import enum


class RowAccess(enum.Enum):
    """How a function goes through rows."""

    ONE_STATEMENT = enum.auto()
    """`update` or `delete` of all rows that a condition finds."""
    LOOP = enum.auto()
    """A loop over all rows that a condition finds."""
    BATCHES = enum.auto()
    """Some rows at a time, for as long as there are any."""


@dataclasses.dataclass(frozen=True)
class Pass:
    """One way through the rows of a model, `app_label.ModelName` or empty.

    `atomic` tells whether the function itself opens a transaction around all of it.
    """

    way: RowAccess
    model: str
    atomic: bool = False
