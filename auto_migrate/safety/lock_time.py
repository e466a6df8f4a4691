"""For how long the work of a change keeps others waiting, estimated from the rows and bytes of its tables.

The rates are those of `benchmarks/estimates.py` and `benchmarks/mariadb_estimates.py`, which measure scans, index
builds, rewrites and copies of tables and hold the estimate to a factor of three in nine of ten. They lie between what
memory and what a disk give: the estimate shall rather be too long than too short.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable

from auto_migrate.databases.statistics import TableStatistics
from auto_migrate.safety.effects.effect import Effect


@dataclasses.dataclass(frozen=True)
class Rates:
    """How fast a server works: bytes a second, and seconds a row."""

    # Bytes of the rows read, the rows written, and the indexes written anew with them.
    read: float
    written: float
    indexes_written: float
    # A row looked at, sorted into one index, made anew, and handed from one table to another.
    looked_at: float
    sorted: float
    made: float
    copied: float
    # How many bytes a row has at the least, where nobody counted them.
    slight_row: int


POSTGRESQL = Rates(
    read=1.6e9,
    written=400e6,
    indexes_written=60e6,
    looked_at=0.02e-6,
    sorted=0.6e-6,
    made=0.25e-6,
    copied=0.25e-6,
    # Twice what PostgreSQL adds to each.
    slight_row=56,
)
MYSQL = Rates(
    read=500e6,
    written=130e6,
    indexes_written=20e6,
    looked_at=0.3e-6,
    sorted=1.2e-6,
    made=0.8e-6,
    copied=3.4e-6,
    slight_row=40,
)


def rates_of(vendor: str) -> Rates:
    """Return the rates of a vendor's servers; SQLite tells no bytes, and so nothing is estimated there."""
    return MYSQL if vendor == "mysql" else POSTGRESQL


def held(effects: Iterable[Effect], table: Callable[[str], TableStatistics | None], rates: Rates) -> float | None:
    """Return the seconds for which the effects of one change hold their locks, all tables together.

    None where nobody waits for work that grows with a table, or where the size of one is not known; `table` tells it.
    """
    effects = list(effects)
    if not any(effect.holds_up for effect in effects):
        return None
    total = 0.0
    for effect in effects:
        if effect.works:
            found = table(effect.table)
            if found is None or found.bytes is None:
                return None
            total += seconds(effect, found, rates)
    return total


def seconds(effect: Effect, table: TableStatistics, rates: Rates) -> float:
    """Return for how long one effect works on its table."""
    heap = max((table.bytes or 0) - table.indexes, 0)
    rows = table.rows if table.rows_known else max(table.rows, heap / rates.slight_row)
    took = heap / rates.read + rows * rates.looked_at
    if effect.builds:
        took += rows * rates.sorted
    if effect.rewrites:
        made = rates.copied if effect.copies else rates.made
        took += heap / rates.written + table.indexes / rates.indexes_written + rows * made
    return took
