"""A shop's traffic: readers and writers that time each of their statements, and transactions in the way."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import random
import threading
import time
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Self

import psycopg

CLIENTS = 8
# Between two statements of one client, so that a small machine is not kept busy by its own measuring.
PAUSE = 0.005
APPLICATION = "shop traffic"
READ = "SELECT price FROM shop_order WHERE id = %s"
WRITE = "UPDATE shop_order SET price = price + 1 WHERE id = %s"
# Whom the migration holds up: a client of ours that waits for a lock which a session of another name has or wants.
HELD_UP = """
    SELECT waiting.query FROM pg_stat_activity AS waiting
    WHERE waiting.application_name = %s AND waiting.wait_event_type = 'Lock' AND EXISTS (
        SELECT FROM unnest(pg_blocking_pids(waiting.pid)) AS blocking JOIN pg_stat_activity AS culprit
        ON culprit.pid = blocking WHERE culprit.application_name NOT IN (%s, %s))
"""
LANDED = """
    SELECT EXISTS (SELECT FROM pg_attribute
    WHERE attrelid = to_regclass('shop_order') AND attname = 'note' AND NOT attisdropped)
"""
HOLDER = "shop report"


@dataclasses.dataclass
class Stalls:
    """What one client saw: when its statements began, and how long each took, the longest kept."""

    longest: float = 0.0
    count: int = 0

    def note(self, seconds: float) -> None:
        """Take note of one statement."""
        self.count += 1
        self.longest = max(self.longest, seconds)


class Traffic:
    """Readers and writers in autocommit, and an observer of who waits behind whom, while the `with` block lasts."""

    def __init__(
        self, url: str, *, clients: int = CLIENTS, statements: Sequence[str] = (READ, WRITE), rows: int = 0
    ) -> None:
        """Take the statements that the clients send in turn; each about its own row, or any of `rows`."""
        self.url = url
        self.sent = statements
        self.rows = rows
        self.stalls = [Stalls() for _client in range(clients)]
        # Monotonic times at which a client was seen waiting for the migration, and the one at which it had landed.
        self.seen_waiting: list[float] = []
        self.landed: float | None = None
        self.errors: list[Exception] = []
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._guard, args=(self._client, number), daemon=True) for number in range(clients)
        ]
        self._threads.append(threading.Thread(target=self._guard, args=(self._observe, 0), daemon=True))

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=60)

    @property
    def longest(self) -> float:
        """Return the longest that any statement took, in seconds."""
        return max(stall.longest for stall in self.stalls)

    @property
    def statements(self) -> int:
        """Count the statements of all clients so far."""
        return sum(stall.count for stall in self.stalls)

    def forget(self) -> None:
        """Begin to measure anew."""
        for stall in self.stalls:
            stall.longest = 0.0

    def _guard(self, work: object, number: int) -> None:
        try:
            work(number)  # type: ignore[operator] # one of the two methods below
        except Exception as error:  # noqa: BLE001 # told by the thread that asks
            self.errors.append(error)

    def _client(self, number: int) -> None:
        statement, dice = self.sent[number % len(self.sent)], random.Random(number)
        with psycopg.connect(self.url, autocommit=True, application_name=APPLICATION) as connection:
            while not self._stop.wait(PAUSE):
                row = dice.randint(1, self.rows) if self.rows else number + 1
                started = time.monotonic()
                connection.execute(statement, [row])
                self.stalls[number].note(time.monotonic() - started)

    def _observe(self, _number: int) -> None:
        with psycopg.connect(self.url, autocommit=True, application_name="shop observer") as connection:
            while not self._stop.wait(0.02):
                if connection.execute(HELD_UP, [APPLICATION, APPLICATION, HOLDER]).fetchone():
                    self.seen_waiting.append(time.monotonic())
                row = connection.execute(LANDED).fetchone()
                if self.landed is None and row is not None and row[0]:
                    self.landed = time.monotonic()


@contextlib.contextmanager
def transaction(url: str, statement: str = "SELECT count(*) FROM shop_order") -> Iterator[psycopg.Connection]:
    """Keep a transaction open that has used the table, as a report or a forgotten console does."""
    with psycopg.connect(url, application_name=HOLDER) as connection:
        connection.execute(statement)
        yield connection


@contextlib.contextmanager
def no_gap(url: str, *, holders: int = 3) -> Iterator[None]:
    """Keep transactions of 0.3 to 0.5 s on the table, each begun before another ends."""
    stop, ready = threading.Event(), threading.Barrier(holders + 1)

    def hold(number: int) -> None:
        dice = random.Random(number)  # only times
        with psycopg.connect(url, application_name=HOLDER) as connection:
            for turn in itertools.count():
                connection.execute("SELECT count(*) FROM shop_order")
                if turn == 0:
                    ready.wait(30)
                if stop.wait(0.15 * number if turn == 0 else dice.uniform(0.3, 0.5)):
                    return
                connection.commit()

    threads = [threading.Thread(target=hold, args=(number,), daemon=True) for number in range(1, holders + 1)]
    for thread in threads:
        thread.start()
    try:
        ready.wait(30)
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(timeout=30)


def fill(url: str, rows: int = 100) -> None:
    """Insert a customer and some orders."""
    with psycopg.connect(url) as connection:
        connection.execute("INSERT INTO shop_customer DEFAULT VALUES")
        connection.execute(
            "INSERT INTO shop_order (price, customer_id) SELECT number, 1 FROM generate_series(1, %s) AS number", [rows]
        )
