"""A backfill as the loop carries it out: a table, its key, and what writes the rows of a range."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.state import StateApps

from auto_migrate.backfills.keys import KeyedTable, KeyRange
from auto_migrate.backfills.pages import ROW_VALUES
from auto_migrate.values import BackfillKey

BATCH_ROWS = 1000
TARGET_SECONDS = 0.5


@dataclasses.dataclass(frozen=True)
class BackfillSpec:
    """What is to be done to a table.

    `write` writes the rows of one range, in the transaction that is open. `batch_rows` is the size of the first batch;
    those after it take about `target_seconds` each. `computes` tells that `write` does more than to send statements,
    so that its transaction may be idle for longer, `backwards` that it takes back what was done. `apps` are the models
    that it looks at, where it does so.
    """

    key: BackfillKey
    table: KeyedTable
    write: Callable[[KeyRange], object]
    batch_rows: int = BATCH_ROWS
    target_seconds: float = TARGET_SECONDS
    computes: bool = False
    backwards: bool = False
    apps: StateApps | None = None


def statement(connection: BaseDatabaseWrapper, table: KeyedTable, sql: str) -> Callable[[KeyRange], object]:
    """Return what sends one statement for each range: `UPDATE … WHERE {range}`, with `{range}` where its rows stand.

    The statement has no parameters of its own, and says percent signs twice.
    """
    columns = [connection.ops.quote_name(column) for column in table.columns]

    def write(rows: KeyRange) -> None:
        condition, params = rows.condition(columns, row_values=connection.vendor in ROW_VALUES)
        with connection.cursor() as cursor:
            cursor.execute(sql.replace("{range}", condition), params)

    return write
