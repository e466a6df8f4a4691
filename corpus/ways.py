"""The ways to bring an empty database up to date, and what differs between their ends."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

from tests.servers import PostgreSQL
from tests.snapshot import Snapshot, snapshot


@dataclasses.dataclass(frozen=True)
class Way:
    """A command, in a project that has this app or not, and the name of the database that it gets."""

    name: str
    command: str
    database: str
    stock: bool = False
    env: Mapping[str, str] = dataclasses.field(default_factory=dict, hash=False)


STOCK = Way("`migrate`", "migrate", "apply_stock", stock=True)
OURS = Way("`auto_migrate`", "auto_migrate", "apply_ours")
# What a test run makes its database with.
BESIDE = Way("`migrate` with the app", "migrate", "apply_beside")
# Everything that has steps, in steps, on whatever tables there are; nobody uses them, so that nothing is refused.
IN_STEPS = {"AUTO_MIGRATE_ONLINE": "always", "AUTO_MIGRATE_BLOCK": "never"}
ONLINE = Way("`auto_migrate`, `ONLINE=always`", "auto_migrate", "apply_online", env=IN_STEPS)
WAYS = (STOCK, OURS, BESIDE, ONLINE)


def differences(server: PostgreSQL, same_rows: Callable[[str], bool]) -> dict[Way, str]:
    """Return what each other way left differently than stock `migrate`, which is nothing where all is well.

    Of tables that `same_rows` is not true of, the rows are counted only.
    """
    stock, *others = (comparable(snapshot(server, way.database), same_rows) for way in WAYS)
    return {way: stock.difference(other) for way, other in zip(WAYS[1:], others, strict=True)}


def comparable(seen: Snapshot, same_rows: Callable[[str], bool]) -> Snapshot:
    """Leave the number of rows where the rows themselves say who made them and when."""
    rows = {name: rows if same_rows(name) else [str(len(rows))] for name, rows in seen.rows.items()}
    return dataclasses.replace(seen, rows=rows)
