"""For how long the work of a change keeps others waiting, estimated from the rows and bytes of its tables.

The rates are those of `benchmarks/estimates.py`, which measures scans, index builds and rewrites of tables of 0.1 to 5
million rows and holds the estimate to a factor of three in nine of ten. They lie between what memory and what a disk
give: the estimate shall rather be too long than too short.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from auto_migrate.databases.statistics import TableStatistics
from auto_migrate.safety.effects.effect import Effect

# Bytes a second, of the rows read, the rows written and the indexes written anew with them.
READ = 1.6e9
WRITTEN = 400e6
INDEXES_WRITTEN = 60e6
# Seconds a row: looked at, sorted into one index, and made anew.
LOOKED_AT = 0.02e-6
SORTED = 0.6e-6
MADE = 0.25e-6
# How many bytes a row has at the least, where nobody counted them: twice what PostgreSQL adds to each.
SLIGHT_ROW = 56


def held(effects: Iterable[Effect], table: Callable[[str], TableStatistics | None]) -> float | None:
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
            total += seconds(effect, found)
    return total


def seconds(effect: Effect, table: TableStatistics) -> float:
    """Return for how long one effect works on its table."""
    heap = max((table.bytes or 0) - table.indexes, 0)
    rows = table.rows if table.rows_known else max(table.rows, heap / SLIGHT_ROW)
    took = heap / READ + rows * LOOKED_AT
    if effect.builds:
        took += rows * SORTED
    if effect.rewrites:
        took += heap / WRITTEN + table.indexes / INDEXES_WRITTEN + rows * MADE
    return took
