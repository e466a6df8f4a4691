"""What a deploy costs where every tenant has a schema, beside django-tenants' own `migrate_schemas`.

    python -m benchmarks.tenants                   prints the table and writes it into docs/performance.md
    python -m benchmarks.tenants --dry-run         only prints it
    python -m benchmarks.tenants --schemas 3000    other numbers of schemas; so many take the others an hour

Each way has a copy of one database to itself. That each ended where it should is looked up there.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.measuring import Cost, manage
from benchmarks.report import PERFORMANCE, machine, table, write_between
from benchmarks.synthetic import Synthetic
from tests.servers import PostgreSQL

SIZES = (30, 300)
MIGRATIONS = 100
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
COPY = """
    CREATE TABLE {own}.{table} (LIKE t0000.{table} INCLUDING ALL);
    INSERT INTO {own}.{table} OVERRIDING SYSTEM VALUE SELECT * FROM t0000.{table};
    SELECT setval(pg_get_serial_sequence('{own}.{table}', 'id'), 10000);
"""
OURS, THEIRS, PARALLEL = "`auto_migrate`", "`migrate_schemas`", "`migrate_schemas --executor=multiprocessing`"
WAYS = {
    "`shell -c pass`": (["shell", "-c", "pass"], False),
    OURS: (["auto_migrate"], False),
    THEIRS: (["migrate_schemas", "-v0"], True),
    PARALLEL: (["migrate_schemas", "-v0", "--executor=multiprocessing"], True),
}


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
        self.server.execute("INSERT INTO customers_client (schema_name) VALUES ('t0000')", database=name)
        self.server.execute("CREATE SCHEMA t0000", database=name)
        manage("auto_migrate", settings=self.settings, env=env)
        for number in range(1, count):
            own = f"t{number:04}"
            self.server.execute(f"INSERT INTO customers_client (schema_name) VALUES ('{own}')", database=name)
            made = "".join(COPY.format(own=own, table=table_name) for table_name in TOUCHED)
            self.server.execute(f"CREATE SCHEMA {own}; {made}", database=name)
        return name

    def column(self) -> Path:
        """Write a migration that every tenant needs."""
        path = self.folder / "app000" / "migrations" / "0051_price.py"
        path.write_text(COLUMN)
        return path

    def with_column(self, database: str) -> int:
        """Count the schemas that have it."""
        question = "SELECT count(*) FROM information_schema.columns WHERE column_name = 'price'"
        return int(self.server.execute(question, database=database)[0][0])


def measured(project: Tenants, count: int) -> Iterator[tuple[str, dict[str, Cost]]]:
    """Return what each way takes with nothing to do, and with a column to be added."""
    template = project.prepare(count)
    project.run(OURS, template)
    yield "nothing to do", {way: project.run(way, template) for way in WAYS}
    path, found = project.column(), {}
    for way in (OURS, THEIRS, PARALLEL):
        copy = f"{template}_copy"
        project.server.create_database(copy, template=template)
        found[way] = project.run(way, copy)
        if (made := project.with_column(copy)) != count:
            raise RuntimeError(f"{way} gave the column to {made} schemas of {count}.")
        project.server.drop_database(copy)
    path.unlink()
    project.server.drop_database(template)
    yield "one column", found


def rows(project: Tenants, sizes: Sequence[int]) -> Iterator[list[str]]:
    """Return the lines of the table."""
    for count in sizes:
        for what, costs in measured(project, count):
            theirs = costs[THEIRS].wall, costs[PARALLEL].wall
            shell = costs.get("`shell -c pass`")
            line = [
                f"{count:,}",
                what,
                *(f"{costs[way].wall:.1f} s" for way in (OURS, THEIRS, PARALLEL)),
                *(f"{costs[OURS].wall / other:.2f}" for other in theirs),
                f"{costs[OURS].wall - shell.wall:+.1f} s" if shell else "",
                f"{costs[OURS].memory:.0f} MiB",
            ]
            print(*line, sep="  ", flush=True)
            yield line


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dry-run", action="store_true")
    parser.add_argument("--schemas", type=int, nargs="+", default=SIZES)
    options = parser.parse_args()
    with PostgreSQL() as server, tempfile.TemporaryDirectory() as folder:
        found = list(rows(Tenants(Path(folder), server), options.schemas))
        heads = ["schemas", "", OURS, THEIRS, PARALLEL, "to the second", "to the third", "more than a shell", "memory"]
        version = server.execute("SHOW server_version")[0][0]
        text = f"PostgreSQL {version}, {machine()}. {MIGRATIONS} migrations a schema.\n\n{table(heads, found)}"
    print(text)
    if not options.dry_run:
        write_between("tenants", text, PERFORMANCE)


if __name__ == "__main__":
    main()
