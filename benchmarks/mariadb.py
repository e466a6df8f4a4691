"""Stock operations on a large table of MariaDB while somebody writes to it, by `auto_migrate` and by `migrate`.

python -m benchmarks.mariadb            prints the table and writes it into docs/performance.md
python -m benchmarks.mariadb --dry-run  only prints it
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import itertools
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import MySQLdb

from benchmarks.report import PERFORMANCE, machine, table, write_between
from tests.integration.applying.tiny import Tiny
from tests.servers import MariaDB
from tools.servers import HOST

ROWS = 300_000
FILL = """
    INSERT INTO app_t (n)
    WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {rows}) SELECT n FROM s
"""
WRITE = "UPDATE app_t SET n = n + 1 WHERE id = %s"
KINDS = {
    "AddField with a default": 'migrations.AddField("t", "level", models.IntegerField(default=3))',
    "AddIndex": 'migrations.AddIndex("t", models.Index(fields=["n"], name="by_n"))',
    "RemoveIndex": 'migrations.RemoveIndex("t", "by_n")',
    "AddField: nullable ForeignKey": (
        'migrations.AddField("t", "above", models.ForeignKey("app.T", models.CASCADE, null=True))'
    ),
    "AlterField: NOT NULL to null": 'migrations.AlterField("t", "level", models.IntegerField(default=3, null=True))',
    "AlterField: integer to bigint": 'migrations.AlterField("t", "n", models.BigIntegerField())',
}
MIGRATION = (
    "class Migration(migrations.Migration):\n    dependencies = [('app', '{after}')]\n    operations = [{operation}]\n"
)
REFUSED = 6


@dataclasses.dataclass
class Writer:
    """Writes one row after the other, each in a transaction of its own, and keeps the longest time that one took."""

    server: MariaDB
    database: str
    longest: float = 0.0

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        """Write while the block lasts."""
        over = threading.Event()
        thread = threading.Thread(target=self._write, args=(over,))
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _write(self, over: threading.Event) -> None:
        login = {"user": self.server.user, "password": self.server.password, "database": self.database}
        with contextlib.closing(MySQLdb.connect(host=HOST, port=self.server.port, autocommit=True, **login)) as session:
            for number in itertools.count():
                if over.is_set():
                    return
                started = time.monotonic()
                with contextlib.closing(session.cursor()) as cursor:
                    cursor.execute(WRITE, [1 + number % 1000])
                self.longest = max(self.longest, time.monotonic() - started)
                time.sleep(0.002)


def measure(server: MariaDB, command: str, rows: int) -> list[str]:
    """Return what each migration did to the writer, after what none did."""
    url = server.create_database("tiny")
    with tempfile.TemporaryDirectory() as folder:
        project = Tiny(Path(folder), url)
        project.run("migrate")
        server.execute(f"SET max_recursive_iterations = {rows}; {FILL.format(rows=rows)}", database="tiny")
        writer, figures = Writer(server, "tiny"), []
        with writer.at_work():
            time.sleep(5)
            figures.append(f"{1000 * writer.longest:,.0f} ms")
            after = "0001_initial"
            for number, operation in enumerate(KINDS.values(), start=2):
                name = f"{number:04}_change"
                project.write(name, MIGRATION.format(after=after, operation=operation))
                writer.longest, started = 0.0, time.monotonic()
                done = project.start(command, AUTO_MIGRATE_LOCK_BUDGET="0")
                done.communicate()
                took = f"{1000 * writer.longest:,.0f} ms, {time.monotonic() - started:.1f} s"
                figures.append("refused" if done.returncode == REFUSED else took)
                after = name
    server.drop_database("tiny")
    return figures


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--dry-run", action="store_true", help="leave the document as it is")
    options = parser.parse_args()
    with MariaDB() as server:
        ours, stock = (measure(server, command, options.rows) for command in ("auto_migrate", "migrate"))
        [[version]] = server.execute("SELECT SUBSTRING_INDEX(VERSION(), '-', 1)")
    rows = [list(row) for row in zip(["no migration", *KINDS], ours, stock, strict=True)]
    figures = table(["", "`auto_migrate`", "Django's `migrate`"], rows)
    text = (
        f"MariaDB {version}, {options.rows:,} rows, one session that writes them one by one, {machine()}, "
        f"`LOCK_BUDGET` 0. Longest write, and how long the command took:\n\n{figures}"
    )
    print(text)
    if not options.dry_run:
        write_between("mariadb", text, PERFORMANCE)


if __name__ == "__main__":
    main()
