"""Projects with tenants, on the packages themselves: the shared app `customers`, and `shop` in each tenant's schema."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.integration.fallback.project import ID, Project
from tests.integration.fallback.questions import command

ROW = '("schema_name", models.CharField(max_length=63, unique=True))'
MODELS = {
    "django_tenants": """
        from django_tenants.models import DomainMixin, TenantMixin

        class Client(TenantMixin):
            pass

        class Domain(DomainMixin):
            pass
    """,
    "django_pgschemas": """
        from django_pgschemas.models import TenantModel

        class Client(TenantModel):
            pass
    """,
    "own": "",
}
DOMAIN = f"""
    migrations.CreateModel("Domain", [
        {ID},
        ("domain", models.CharField(max_length=253, unique=True, db_index=True)),
        ("is_primary", models.BooleanField(default=True, db_index=True)),
        ("tenant", models.ForeignKey("customers.client", models.CASCADE, related_name="domains", db_index=True)),
    ]),
"""
OWN = """
    def names():
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute("SELECT schema_name FROM public.customers_client ORDER BY schema_name")
            return [name for (name,) in cursor.fetchall()]
"""


class Tenanted(Project):
    """A project of one of the packages, or of its own means, on PostgreSQL."""

    def __init__(self, folder: Path, url: str, package: str, *, more: Iterable[str] = ()) -> None:
        super().__init__(folder, url)
        self.package = package
        self.app("customers", MODELS[package])
        made = f'migrations.CreateModel("Client", [{ID}, {ROW}]),'
        self.migration("customers", "0001_initial", made + (DOMAIN if package == "django_tenants" else ""))
        self.app("shop")
        self.migration("shop", "0001_initial", f'migrations.CreateModel("Item", [{ID}]),')
        own = ["shop", *more]
        packages = [] if package == "own" else [package]
        # Which django-tenants cannot do without, and wants in every schema.
        types = [] if package == "own" else ["django.contrib.contenttypes"]
        self.settings(INSTALLED_APPS=["auto_migrate", *packages, *types, "customers", *own])
        getattr(self, f"_set_up_{package}")(own)

    def _set_up_django_tenants(self, own: list[str]) -> None:
        self.settings(
            ENGINES={"default": {"ENGINE": "django_tenants.postgresql_backend"}},
            DATABASE_ROUTERS=["django_tenants.routers.TenantSyncRouter"],
            SHARED_APPS=["auto_migrate", "django_tenants", "django.contrib.contenttypes", "customers"],
            TENANT_APPS=["django.contrib.contenttypes", *own],
            TENANT_MODEL="customers.Client",
            TENANT_DOMAIN_MODEL="customers.Domain",
        )

    def _set_up_django_pgschemas(self, own: list[str]) -> None:
        self.settings(
            ENGINES={"default": {"ENGINE": "django_pgschemas.postgresql"}},
            DATABASE_ROUTERS=["django_pgschemas.routers.TenantAppsRouter"],
            SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
            TENANTS={
                "public": {"APPS": ["auto_migrate", "django_pgschemas", "django.contrib.contenttypes", "customers"]},
                "default": {"TENANT_MODEL": "customers.Client", "APPS": own, "URLCONF": "project_urls"},
            },
        )

    def _set_up_own(self, own: list[str]) -> None:
        self.file("own_tenants.py", OWN)
        self.setting("TENANTS", "own_tenants.names")

    def setting(self, key: str, value: Any) -> None:
        """Set one of the settings of AUTO_MIGRATE."""
        self.settings(AUTO_MIGRATE={**self.read_settings()["AUTO_MIGRATE"], key: value})

    def killed(self, *arguments: str, **env: str) -> int:
        """Run a command that may not come to its end, and return how its process ended."""
        context = multiprocessing.get_context("forkserver")
        process = context.Process(target=command, args=(str(self.folder), self.databases, arguments, env))
        process.start()
        process.join()
        return process.exitcode or 0

    def tenants(self, *names: str, schema: bool = True) -> None:
        """Add tenants, whose schemas are empty; without `schema` there are only their rows."""
        for name in names:
            self.query(f"INSERT INTO customers_client (schema_name) VALUES ('{name}')")
            if schema:
                self.query(f'CREATE SCHEMA "{name}"')

    def copies(self, *names: str, of: str) -> None:
        """Add tenants that have what another has, without a run for it."""
        tables = [table for (table,) in self.query(f"SELECT tablename FROM pg_tables WHERE schemaname = '{of}'")]
        statements = []
        for name in names:
            statements += [f"INSERT INTO customers_client (schema_name) VALUES ('{name}')", f'CREATE SCHEMA "{name}"']
            for table in tables:
                own = f'"{name}".{table}'
                statements += [
                    f"CREATE TABLE {own} (LIKE {of}.{table} INCLUDING ALL)",
                    f"INSERT INTO {own} OVERRIDING SYSTEM VALUE SELECT * FROM {of}.{table}",
                    # Numbers go on after those that were copied.
                    f"SELECT setval(pg_get_serial_sequence('{own}', 'id'), 1000)",
                ]
        self.query(";".join(statements))

    def column(self, name: str = "0002_price", field: str = "price") -> None:
        """Write a migration that gives `shop.Item` a column."""
        operation = f'migrations.AddField("item", "{field}", models.IntegerField(null=True)),'
        self.migration("shop", name, operation, after="0001_initial")

    def with_column(self, field: str = "price") -> set[str]:
        """Name the schemas whose `shop_item` has a column."""
        found = self.query(
            "SELECT table_schema FROM information_schema.columns"
            f" WHERE table_name = 'shop_item' AND column_name = '{field}'"
        )
        return {schema for (schema,) in found}

    def recorded_in(self, schema: str) -> set[str]:
        """Name the migrations that a schema has recorded."""
        return {f"{app}.{name}" for app, name in self.query(f'SELECT app, name FROM "{schema}".django_migrations')}
