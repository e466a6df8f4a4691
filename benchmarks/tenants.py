"""What a deploy costs where every tenant has a schema, beside django-tenants' own `migrate_schemas`.

    python -m benchmarks.tenants                   prints the table and writes it into docs/performance.md
    python -m benchmarks.tenants --dry-run         only prints it
    python -m benchmarks.tenants --schemas 3000    other numbers of schemas

Each way that changes something has a copy of one database to itself. That it ended where it should is looked up there.
Thousands of schemas would take the others an hour each: then they have a part of the tenants of the same database, and
what that takes beyond starting is multiplied.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.measuring import Cost, manage
from benchmarks.report import PERFORMANCE, machine, table, write_between
from benchmarks.synthetic import Synthetic
from tests.servers import PostgreSQL

SIZES = (30, 300, 3000)
MIGRATIONS = 100
# The most schemas that the others go through, and how many of more they are given.
WHOLE, PART = 300, 60
# How many schemas are copied at a time: the server has room for the locks of some hundreds.
AT_ONCE = 50
SETTINGS = """from synthetic_settings import *

INSTALLED_APPS.insert(INSTALLED_APPS.index("django.contrib.contenttypes"), "django_tenants")
INSTALLED_APPS.append("customers")
DATABASES["default"]["ENGINE"] = "django_tenants.postgresql_backend"
DATABASES["default"]["CONN_MAX_AGE"] = 0
DATABASE_ROUTERS = ["django_tenants.routers.TenantSyncRouter"]
SHARED_APPS = ["django_tenants", "django.contrib.contenttypes", "customers"]
TENANT_APPS = [app for app in INSTALLED_APPS if app not in {"auto_migrate", "django_tenants", "customers"}]
TENANT_MODEL, TENANT_DOMAIN_MODEL = "customers.Client", "customers.Domain"
TENANT_MULTIPROCESSING_MAX_PROCESSES = os.cpu_count()
"""
MODELS = """from django_tenants.models import DomainMixin, TenantMixin


class Client(TenantMixin):
    pass


class Domain(DomainMixin):
    pass
"""
COLUMN = """from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("app000", "0050_step")]
    operations = [migrations.AddField("model0", "price", models.IntegerField(null=True))]
"""
# What of a tenant the ways look at or change; the other tables would be looked at by none.
TOUCHED = ("django_migrations", "django_content_type", "auth_permission", "app000_model0")
COPY = """;
    CREATE TABLE {own}.{table} (LIKE t0000.{table} INCLUDING ALL);
    INSERT INTO {own}.{table} OVERRIDING SYSTEM VALUE SELECT * FROM t0000.{table};
    SELECT setval(pg_get_serial_sequence('{own}.{table}', 'id'), 10000)"""
SHELL, OURS = "`shell -c pass`", "`auto_migrate`"
THEIRS, PARALLEL = "`migrate_schemas`", "`migrate_schemas --executor=multiprocessing`"
WAYS = {
    SHELL: (["shell", "-c", "pass"], False),
    OURS: (["auto_migrate"], False),
    THEIRS: (["migrate_schemas", "-v0"], True),
    PARALLEL: (["migrate_schemas", "-v0", "--executor=multiprocessing"], True),
}
OTHERS = (THEIRS, PARALLEL)


class Tenants(Synthetic):
    """A synthetic project of django-tenants, and the template of its databases."""

    settings = "tenant_settings"

    def __init__(self, folder: Path, server: PostgreSQL) -> None:
        super().__init__(folder, MIGRATIONS)
        self.server = server
        self._write("tenant_settings.py", SETTINGS)
        self._write("customers/__init__.py", "")
        self._write("customers/models.py", MODELS)

    def run(self, way: str, database: str) -> Cost:
        """Go one way once."""
        arguments, stock = WAYS[way]
        env = {**self.env, "DATABASE_URL": self.server.url(database), **({"STOCK": "true"} if stock else {})}
        return manage(*arguments, settings=self.settings, env=env)[0]

    def prepare(self, count: int) -> str:
        """Make a database of so many tenants that are up to date, and return its name."""
        name = f"tenants_{count}"
        self.server.drop_database(name)
        env = {**self.env, "DATABASE_URL": self.server.create_database(name)}
        manage("makemigrations", "customers", settings=self.settings, env=env)
        manage("auto_migrate", settings=self.settings, env=env)
        self._add(name, 0, 1)
        manage("auto_migrate", settings=self.settings, env=env)
        for first in range(1, count, AT_ONCE):
            self._add(name, first, min(first + AT_ONCE, count))
        return name

    def _add(self, database: str, first: int, end: int) -> None:
        """Add tenants by their numbers: the first one with an empty schema, all others with what that has."""
        schemas = [f"t{number:04}" for number in range(first, end)]
        made = [f"CREATE SCHEMA {own}" for own in schemas]
        if first:
            made += [COPY.format(own=own, table=table_name) for own in schemas for table_name in TOUCHED]
        self.server.execute(";".join([self._rows(first, end), *made]), database=database)

    def _rows(self, first: int, end: int) -> str:
        numbers = f"generate_series({first}, {end - 1})"
        return f"INSERT INTO customers_client (schema_name) SELECT 't' || lpad(n::text, 4, '0') FROM {numbers} AS n"

    @contextlib.contextmanager
    def only(self, part: int, count: int, database: str) -> Iterator[None]:
        """Let all tenants but some be nobody within the block; their schemas stay."""
        self.server.execute(f"DELETE FROM customers_client WHERE schema_name >= 't{part:04}'", database=database)
        yield
        if part < count:
            self.server.execute(self._rows(part, count), database=database)

    def counted(self, way: str, database: str) -> tuple[Cost, int]:
        """Go one way once, and count the connections that it makes."""
        before = self._sessions(database)
        cost = self.run(way, database)
        return cost, self._sessions(database) - before

    def _sessions(self, database: str) -> int:
        """Count those that there ever were, which are told of when they end."""
        everybody = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND backend_type = 'client backend'"
        while self.server.execute(everybody, [database])[0][0]:
            time.sleep(0.01)
        question = "SELECT sessions FROM pg_stat_database WHERE datname = %s"
        return int(self.server.execute(question, [database])[0][0])

    @contextlib.contextmanager
    def copied(self, template: str) -> Iterator[str]:
        """Have a copy of a database within the block."""
        self.server.create_database(copy := f"{template}_copy", template=template)
        yield copy
        self.server.drop_database(copy)

    def column(self) -> Path:
        """Write a migration that every tenant needs."""
        path = self.folder / "app000" / "migrations" / "0051_price.py"
        path.write_text(COLUMN)
        return path

    def with_column(self, database: str) -> int:
        """Count the schemas that have it."""
        question = "SELECT count(*) FROM pg_attribute WHERE attname = 'price'"
        return int(self.server.execute(question, database=database)[0][0])


@dataclasses.dataclass(frozen=True)
class Measured:
    """What each way took; the `connections` that ours made, and of how many schemas the costs of the others are."""

    what: str
    costs: Mapping[str, Cost]
    connections: int
    part: int

    def line(self, count: int) -> list[str]:
        """Return the line of the table."""
        ours, shell = self.costs[OURS].wall, self.costs[SHELL].wall
        others = [shell + (self.costs[way].wall - shell) * count / self.part for way in OTHERS]
        about = "≈ " if self.part < count else ""
        return [
            f"{count:,}",
            self.what,
            f"{ours:.1f} s",
            *(f"{about}{other:,.1f} s" for other in others),
            *(f"{about}{ours / other:.2f}" for other in others),
            f"{ours - shell:+.1f} s",
            f"{self.costs[OURS].memory:.0f} MiB",
            f"{self.connections}",
        ]


def measured(project: Tenants, count: int) -> Iterator[Measured]:
    """Return what each way takes with nothing to do, and with a column to be added."""
    template, part = project.prepare(count), count if count <= WHOLE else PART
    project.run(OURS, template)
    ours, connections = project.counted(OURS, template)
    found = {OURS: ours, SHELL: (shell := project.run(SHELL, template))}
    with project.only(part, count, template):
        found |= {way: project.run(way, template) for way in OTHERS}
    yield Measured("nothing to do", found, connections, part)
    path, found = project.column(), {SHELL: shell}
    with project.copied(template) as copy:
        found[OURS], connections = project.counted(OURS, copy)
        check(project, copy, OURS, count)
    for way in OTHERS:
        with project.copied(template) as copy, project.only(part, count, copy):
            found[way] = project.run(way, copy)
            check(project, copy, way, part)
    path.unlink()
    project.server.drop_database(template)
    yield Measured("one column", found, connections, part)


def check(project: Tenants, database: str, way: str, count: int) -> None:
    """Raise `RuntimeError` unless so many schemas have the column."""
    if (made := project.with_column(database)) != count:
        raise RuntimeError(f"{way} gave the column to {made} schemas of {count}.")


def rows(project: Tenants, sizes: Sequence[int]) -> Iterator[list[str]]:
    """Return the lines of the table."""
    for count in sizes:
        for found in measured(project, count):
            print(*(line := found.line(count)), sep="  ", flush=True)
            yield line


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dry-run", action="store_true")
    parser.add_argument("--schemas", type=int, nargs="+", default=SIZES)
    options = parser.parse_args()
    with PostgreSQL() as server, tempfile.TemporaryDirectory() as folder:
        found = list(rows(Tenants(Path(folder), server), options.schemas))
        ratios = ["to the second", "to the third", "more than a shell"]
        heads = ["schemas", "", OURS, THEIRS, PARALLEL, *ratios, "memory", "connections"]
        version = server.execute("SHOW server_version")[0][0]
        server_and_size = f"PostgreSQL {version}, {machine()}. {MIGRATIONS} migrations a schema."
        about = f"≈ stands for what {PART} of the schemas took the others, multiplied."
        told = [server_and_size, *([about] if max(options.schemas) > WHOLE else [])]
        text = "\n".join([*told, "", table(heads, found)])
    print(text)
    if not options.dry_run:
        write_between("tenants", text, PERFORMANCE)


if __name__ == "__main__":
    main()
