"""The ways to bring an empty database up to date, and what differs between their ends."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping

from tests.servers import PostgreSQL
from tests.snapshot import Snapshot, snapshot, unordered


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
# The same once more with rows in all tables, which either command is called in the project itself for.
LISTENING = {"AUTO_MIGRATE_LISTENERS": "corpus.filled_tables.FillingListener", "AUTO_MIGRATE_RETRY_DELAY": "0.2"}
STOCK_FILLED = Way("`migrate`, on filled tables", "migrate", "apply_stock_filled", stock=True)
FILLED = Way(
    "`auto_migrate`, `ONLINE=always`, on filled tables",
    "auto_migrate",
    "apply_online_filled",
    env={**IN_STEPS, **LISTENING},
)
# Values that say when they were made, or are nobody's but their row's, as `repr` writes them.
MOMENT = re.compile(r"datetime\.(?:datetime|date)\(20(?!0)\d\d, [^()]*(?:\([^()]*\))?\)")
RANDOM = re.compile(
    r"UUID\('[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}'\)"
    # Keys, and passwords as Django keeps them; the texts of rows that were made for the comparison are short.
    r"|'[\w!$+/=-]{32,}'"
    # What Fernet has encrypted begins with its version and the time.
    r"|b(['\"])\\x80(?:\\x00){4}(?:\\.|(?!\1).)*\1"
)


def differences(server: PostgreSQL, same_rows: Callable[[str], bool]) -> dict[Way, str]:
    """Return what each other way left differently than stock `migrate`, which is nothing where all is well.

    Of tables that `same_rows` is not true of, the rows are counted only.
    """
    stock, *others = (comparable(snapshot(server, way.database), same_rows) for way in WAYS)
    found = {way: stock.difference(other) for way, other in zip(WAYS[1:], others, strict=True)}
    # Only a column that took another's place stands behind the others.
    return {**found, ONLINE: unordered(stock).difference(unordered(others[-1]))}


def difference_of_filled(server: PostgreSQL) -> str:
    """Return what filled tables became online and not by stock `migrate`, the order of their columns aside."""
    stock, online = (unordered(timeless(snapshot(server, way.database))) for way in (STOCK_FILLED, FILLED))
    return stock.difference(online)


def timeless(seen: Snapshot) -> Snapshot:
    """Leave out of rows when they were made, and what is random."""
    rows = {
        name: sorted(RANDOM.sub("random", MOMENT.sub("now", row)) for row in rows) for name, rows in seen.rows.items()
    }
    return dataclasses.replace(seen, rows=rows)


def comparable(seen: Snapshot, same_rows: Callable[[str], bool]) -> Snapshot:
    """Leave the number of rows where the rows themselves say who made them and when."""
    rows = {name: rows if same_rows(name) else [str(len(rows))] for name, rows in seen.rows.items()}
    return dataclasses.replace(seen, rows=rows)
