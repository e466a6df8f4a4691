"""How long scans, index builds and rewrites take, beside what a plan says of them beforehand.

    python -m benchmarks.estimates            prints the table and writes it into docs/performance.md
    python -m benchmarks.estimates --dry-run  only prints it

Each statement is judged as SQL of a migration is, on tables of several widths and sizes, then carried out and undone.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from collections.abc import Iterable, Iterator
from typing import Any

import django
import psycopg
from django.conf import settings
from psycopg.conninfo import conninfo_to_dict

from benchmarks.report import PERFORMANCE, machine, table, write_between
from tests.servers import PostgreSQL

MILLION = 1_000_000
# How many bytes of padding a row has, and the numbers of rows.
SHAPES = {
    "narrow": (0, (MILLION // 10, MILLION, 5 * MILLION)),
    "medium": (180, (MILLION // 10, MILLION, 2 * MILLION)),
    "wide": (900, (MILLION // 10, MILLION // 2, MILLION)),
}
TABLE = "id bigint PRIMARY KEY, n int, p int, code bigint, name varchar(60), pad text"
ROWS = """
    INSERT INTO stock
    SELECT i, i::bigint * 7919 % 1000003, i % 10000, i::bigint * 7919 % 100000007, md5(i::text), repeat('x', {padding})
    FROM generate_series(1, {rows}) AS i
"""
STATEMENTS = {
    "scan: SET NOT NULL": "ALTER TABLE stock ALTER n SET NOT NULL",
    "scan: CHECK": "ALTER TABLE stock ADD CONSTRAINT stock_n CHECK (n >= 0)",
    "scan: foreign key": "ALTER TABLE stock ADD CONSTRAINT stock_p FOREIGN KEY (p) REFERENCES parent (id)",
    "index: integer": "CREATE INDEX stock_by_n ON stock (n)",
    "index: text": "CREATE INDEX stock_by_name ON stock (name)",
    "index: unique": "ALTER TABLE stock ADD CONSTRAINT stock_code UNIQUE (code)",
    "rewrite: type": "ALTER TABLE stock ALTER n TYPE bigint",
    "rewrite: column": "ALTER TABLE stock ADD COLUMN r float8 DEFAULT random()",
    "rewrite: VACUUM FULL": "VACUUM FULL stock",
}
FACTOR = 3.0


@dataclasses.dataclass(frozen=True)
class Measured:
    """One statement on one table, and what was said beforehand; times are seconds."""

    shape: str
    rows: int
    statement: str
    took: float
    estimated: float

    @property
    def ratio(self) -> float:
        """The estimate in proportion to what it took."""
        return self.estimated / self.took

    @property
    def is_close(self) -> bool:
        """Return whether the estimate lies within the factor."""
        return 1 / FACTOR <= self.ratio <= FACTOR


def django_connection(url: str) -> Any:
    """Return Django's connection to a database, for a project that has nothing else."""
    from django.db import connection

    place = conninfo_to_dict(url)
    names = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
    entry = {key: str(place.get(name, "")) for key, name in names.items()}
    settings.configure(DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", **entry}})
    django.setup()
    return connection


def estimate(connection: Any, sql: str) -> float:
    """Return for how long others would wait for a statement, as a plan says it."""
    from auto_migrate.changes.statements import changes_of_sql
    from auto_migrate.databases.statistics import PostgreSQLStatistics
    from auto_migrate.safety.effects import effects
    from auto_migrate.safety.live import Live
    from auto_migrate.safety.lock_time import held
    from auto_migrate.safety.plan_assessment import server_of

    live = Live(PostgreSQLStatistics(connection), small=0, budget=1.0)
    server = server_of(connection)
    changes = changes_of_sql(sql, connection, {})
    found = held([effect for change in changes for effect in effects(change, server)], live.table, live.rates)
    if found is None:
        raise RuntimeError(f"Nothing is said of {sql}.")
    return found


def measure(url: str, connection: Any, scale: float) -> Iterator[Measured]:
    """Carry out each statement on each table; what can be undone is."""
    with psycopg.connect(url, autocommit=True) as session:
        session.execute("CREATE TABLE parent (id int PRIMARY KEY)")
        session.execute("INSERT INTO parent SELECT generate_series(0, 9999)")
        for shape, (padding, sizes) in SHAPES.items():
            for rows in (max(int(size * scale), 1000) for size in sizes):
                session.execute("DROP TABLE IF EXISTS stock")
                session.execute(f"CREATE TABLE stock ({TABLE})")
                session.execute(ROWS.format(padding=padding, rows=rows))
                session.execute("VACUUM ANALYZE stock")
                session.execute("VACUUM ANALYZE parent")
                for name, sql in STATEMENTS.items():
                    estimated = estimate(connection, sql)
                    session.execute("CHECKPOINT")
                    yield Measured(shape, rows, name, carried_out(session, sql), estimated)


def carried_out(session: psycopg.Connection[Any], sql: str) -> float:
    """Carry a statement out and return the seconds that it took."""
    if not sql.startswith("VACUUM"):
        with session.transaction(force_rollback=True):
            started = time.monotonic()
            session.execute(sql)
            return time.monotonic() - started
    started = time.monotonic()
    session.execute(sql)
    return time.monotonic() - started


def report(found: list[Measured], statements: Iterable[str]) -> str:
    """Return how many estimates are close, and all of them in the order of the statements."""
    places = {name: place for place, name in enumerate(statements)}
    close = sum(one.is_close for one in found)
    lines = [
        [one.statement, one.shape, f"{one.rows:,}", f"{one.took:.2f}", f"{one.estimated:.2f}", f"{one.ratio:.1f}"]
        for one in sorted(found, key=lambda one: places[one.statement])
    ]
    heads = ["work", "rows are", "rows", "seconds", "estimated", "×"]
    said = f"{close} of {len(found)} estimates ({close / len(found):.0%}) lie within a factor of {FACTOR:g}."
    return f"{said}\n\n{table(heads, lines)}"


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="take tables smaller or larger by this (default: 1)")
    parser.add_argument("--dry-run", action="store_true", help="leave the document as it is")
    options = parser.parse_args()
    with PostgreSQL() as server:
        url = server.create_database("estimates")
        found = list(measure(url, django_connection(url), options.scale))
        version = server.execute("SHOW server_version")[0][0]
    text = f"PostgreSQL {version}, {machine()}.\n\n{report(found, STATEMENTS)}"
    print(text)
    if not options.dry_run:
        write_between("estimates", text, PERFORMANCE)


if __name__ == "__main__":
    main()
