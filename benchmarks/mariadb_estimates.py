"""How long MariaDB copies, rebuilds and indexes tables, beside what a plan says of it beforehand.

python -m benchmarks.mariadb_estimates            prints the table and writes it into docs/performance.md
python -m benchmarks.mariadb_estimates --dry-run  only prints it

What is told is the server's processor time: nearly all of such a statement runs in one thread, and the time by the
clock is that of whatever else the machine does.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

import django
from django.conf import settings
from django.db import connection

from benchmarks.estimates import Measured, report
from benchmarks.measuring import used_by
from benchmarks.report import PERFORMANCE, machine, write_between
from tests.servers import MariaDB
from tools.servers import HOST

THOUSAND = 1_000
# How many bytes of padding a row has, how many indexes besides its key, and the numbers of rows.
SHAPES = {
    "narrow": (0, 0, (100 * THOUSAND, 300 * THOUSAND, 1000 * THOUSAND)),
    "narrow, two indexes": (0, 2, (100 * THOUSAND, 300 * THOUSAND)),
    "medium": (180, 1, (100 * THOUSAND, 300 * THOUSAND)),
    "wide": (900, 1, (50 * THOUSAND, 150 * THOUSAND)),
}
TABLE = "id bigint AUTO_INCREMENT PRIMARY KEY, n int NOT NULL, p int NOT NULL, code bigint, name varchar(60), pad text"
ROWS = """
    INSERT INTO stock (n, p, code, name, pad)
    WITH RECURSIVE s (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < {rows})
    SELECT i * 7919 % 1000003, i % 10000, i * 7919 % 100000007, md5(i), repeat('x', {padding}) FROM s
"""
INDEXES = ("CREATE INDEX by_p ON stock (p)", "CREATE INDEX by_code ON stock (code)")
# Each with what it is undone by.
STATEMENTS = {
    "copy: type": ("MODIFY n bigint NOT NULL", "MODIFY n int NOT NULL"),
    "copy: CHECK": ("ADD CONSTRAINT positive CHECK (n >= 0)", "DROP CONSTRAINT positive"),
    "in place: FORCE": ("FORCE", ""),
    "in place: NOT NULL": ("MODIFY n int NULL, ALGORITHM=INPLACE", "MODIFY n int NOT NULL"),
    "index: integer": ("ADD INDEX it (n)", "DROP INDEX it"),
    "index: text": ("ADD INDEX it (name)", "DROP INDEX it"),
}


def changes() -> dict[str, Any]:
    """Return what each statement is read as."""
    from auto_migrate.changes.change import AddConstraint, AlterType, CreateIndex, DropNotNull, RewriteTable
    from auto_migrate.changes.constraints import ConstraintKind

    on: dict[str, Any] = {"table": "stock"}
    return {
        "copy: type": AlterType(**on, column="n", old="integer", new="bigint"),
        "copy: CHECK": AddConstraint(**on, name="positive", kind=ConstraintKind.CHECK),
        "in place: FORCE": RewriteTable(**on, command=None),
        "in place: NOT NULL": DropNotNull(**on, column="n"),
        "index: integer": CreateIndex(**on, name="it"),
        "index: text": CreateIndex(**on, name="it"),
    }


def estimate(name: str) -> float:
    """Return the seconds that a plan says of a statement on the table as it is."""
    from auto_migrate.databases import adapter_for
    from auto_migrate.safety.effects import effects
    from auto_migrate.safety.lock_time import rates_of, seconds
    from auto_migrate.safety.plan_assessment import server_of

    database = adapter_for("default")
    statistics = database.statistics
    assert statistics is not None  # MariaDB has them
    found = statistics.of_tables(["stock"], 0)["stock"]
    server = server_of(database.connection)
    return sum(seconds(effect, found, rates_of(server.vendor)) for effect in effects(changes()[name], server))


def measure(server: MariaDB, cursor: Any, scale: float) -> Iterator[Measured]:
    """Carry out each statement on each table, and undo it."""
    for shape, (padding, indexes, sizes) in SHAPES.items():
        for rows in (max(int(size * scale), THOUSAND) for size in sizes):
            cursor.execute("DROP TABLE IF EXISTS stock")
            cursor.execute(f"CREATE TABLE stock ({TABLE})")
            cursor.execute(f"SET max_recursive_iterations = {rows + 1}")
            cursor.execute(ROWS.format(rows=rows, padding=padding))
            for index in INDEXES[:indexes]:
                cursor.execute(index)
            cursor.execute("ANALYZE TABLE stock")
            cursor.fetchall()
            for name, (statement, undo) in STATEMENTS.items():
                estimated, before = estimate(name), used_by(server)
                cursor.execute(f"ALTER TABLE stock {statement}")
                yield Measured(shape, rows, name, max(used_by(server) - before, 0.01), estimated)
                if undo:
                    cursor.execute(f"ALTER TABLE stock {undo}")


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="take tables smaller or larger by this (default: 1)")
    parser.add_argument("--dry-run", action="store_true", help="leave the document as it is")
    options = parser.parse_args()
    with MariaDB() as server:
        server.create_database("estimates")
        login = {"HOST": HOST, "PORT": str(server.port), "USER": server.user, "PASSWORD": server.password}
        entry = {"ENGINE": "django.db.backends.mysql", "NAME": "estimates", **login}
        settings.configure(DATABASES={"default": entry}, USE_I18N=False)
        django.setup()
        with connection.cursor() as cursor:
            found = list(measure(server, cursor, options.scale))
        connection.close()
        [[version]] = server.execute("SELECT SUBSTRING_INDEX(VERSION(), '-', 1)")
    text = f"MariaDB {version}, {machine()}, seconds of the server's processor time.\n\n{report(found, STATEMENTS)}"
    print(text)
    if not options.dry_run:
        write_between("mariadb_estimates", text, PERFORMANCE)


if __name__ == "__main__":
    main()
