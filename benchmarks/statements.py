"""What it costs to hold a plan against the statements of the running release.

    python -m benchmarks.statements            prints the table and writes it into docs/performance.md
    python -m benchmarks.statements --dry-run  only prints it

A plan is rehearsed with and without 2,000 recorded statements, such as Django sends for a project's models: with all
columns, by one condition or two, joined, counted, inserted and updated. The plan is SQL, after which every statement is
planned once more. The processor time of the command and of the server's session is counted.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil

from benchmarks.measuring import manage, spread
from benchmarks.report import PERFORMANCE, machine, table, write_between
from benchmarks.synthetic import Synthetic
from tests.servers import PostgreSQL

COUNT = 2000
ROUNDS = 3
MIGRATIONS = 100
LAST = f"app{MIGRATIONS // 50 - 1:03}.9999_renamed"
RENAMED = """from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("{app}", "{last}")]
    operations = [migrations.RunSQL("ALTER TABLE {app}_model0 RENAME COLUMN name TO title")]
"""
COLUMNS = """
    SELECT table_name, array_agg(column_name::text ORDER BY ordinal_position) FROM information_schema.columns
    WHERE table_schema = 'public' AND table_name LIKE 'app%' GROUP BY 1 ORDER BY 1
"""


def sent(table: str, columns: list[str]) -> Iterator[str]:
    """Return statements that Django sends for one table."""
    every = ", ".join(f'"{table}"."{column}"' for column in columns)
    own = columns[1:]
    values = ", ".join(f"${number}" for number, _column in enumerate(own, start=1))
    names = ", ".join(f'"{column}"' for column in own)
    yield f'INSERT INTO "{table}" ({names}) VALUES ({values}) RETURNING "{table}"."id"'
    yield f'SELECT {every} FROM "{table}" WHERE "{table}"."id" = $1 LIMIT $2'
    for column in own:
        yield f'UPDATE "{table}" SET "{column}" = $1 WHERE "{table}"."id" = $2'
        yield f'SELECT COUNT(*) AS "__count" FROM "{table}" WHERE "{table}"."{column}" IS NOT NULL'
        yield f'SELECT {every} FROM "{table}" WHERE "{table}"."{column}" = $1 ORDER BY "{table}"."id" DESC LIMIT $2'
        yield (
            f'SELECT {every}, "auth_user"."email" FROM "{table}" LEFT OUTER JOIN "auth_user" '
            f'ON ("{table}"."owner_id" = "auth_user"."id") WHERE "{table}"."{column}" = $1'
        )
    for one, other in itertools.combinations(own, 2):
        yield f'SELECT {every} FROM "{table}" WHERE ("{table}"."{one}" = $1 AND NOT ("{table}"."{other}" = $2))'


def recorded(server: PostgreSQL, path: Path) -> None:
    """Write the statements down."""
    found = [text for name, columns in server.execute(COLUMNS, database="statements") for text in sent(name, columns)]
    if len(found) < COUNT:
        raise RuntimeError(f"Only {len(found)} statements.")
    # The ones of all tables, and not all of a few.
    chosen = [found[len(found) * number // COUNT] for number in range(COUNT)]
    lines = [json.dumps({"statement": text, "vendor": "postgresql"}) for text in chosen]
    path.write_text("\n".join([*lines, '{"session": {"complete": true}}']) + "\n")


def of_server(server: PostgreSQL) -> float:
    """Return the processor time that a server and its sessions have used, those that are gone included."""
    assert server.process
    process = psutil.Process(server.process.pid)
    processes = [process, *process.children(recursive=True)]
    used = [one.cpu_times() for one in processes]
    return sum(time.user + time.system for time in used) + sum(process.cpu_times()[2:4])


def cost(server: PostgreSQL, url: str, project: Synthetic, *arguments: str) -> tuple[float, str]:
    """Return the processor time of one rehearsal, and what it wrote."""
    before = of_server(server)
    env = {**project.env, "DATABASE_URL": url}
    used, output = manage("rehearse_migrations", LAST, *arguments, settings=project.settings, env=env)
    return used.cpu + of_server(server) - before, output


def measure(server: PostgreSQL, folder: Path, rounds: int) -> tuple[list[float], list[float], int]:
    """Return the costs without and with statements, and how many of these could not go on."""
    project = Synthetic(folder / "project", MIGRATIONS)
    app, _dot, name = LAST.partition(".")
    place = project.folder / app / "migrations" / f"{name}.py"
    url = server.create_database("statements")
    manage("auto_migrate", settings=project.settings, env={**project.env, "DATABASE_URL": url})
    place.write_text(RENAMED.format(app=app, last=f"{50:04}_step"))
    path = folder / "statements.jsonl"
    recorded(server, path)
    without, with_them, refused = [], [], 0
    for _round in range(rounds):
        without.append(cost(server, url, project)[0])
        used, output = cost(server, url, project, "--statements", str(path), "--format=json")
        with_them.append(used)
        [checked] = [json.loads(line) for line in output.splitlines() if '"statements_checked"' in line]
        if checked["unchecked"] or checked["statements"] != COUNT:
            raise RuntimeError(f"Not all statements were checked: {checked}")
        refused = checked["refused"]
    return without, with_them, refused


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"runs of each (default: {ROUNDS})")
    parser.add_argument("--dry-run", action="store_true", help="leave the document as it is")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="statements-") as folder, PostgreSQL() as server:
        without, with_them, refused = measure(server, Path(folder), options.rounds)
        version = server.execute("SHOW server_version")[0][0]
    added = statistics.median(with_them) - statistics.median(without)
    rows = [
        ["the plan alone", spread(without)],
        [f"with {COUNT:,} statements, of which {refused} could not go on", spread(with_them)],
        ["the statements", f"{added:.2f}"],
    ]
    text = f"PostgreSQL {version}, {machine()}, {options.rounds} runs of each.\n\n" + table(
        ["rehearsal", "seconds of processor time, the server's included"], rows
    )
    print(text)
    if not options.dry_run:
        write_between("statements", text, PERFORMANCE)


if __name__ == "__main__":
    main()
