"""After a run every schema has the content types, the permissions and the site that `migrate_schemas` would leave."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.fallback.project import ID
from tests.integration.fleet.tenanted import Tenanted
from tests.servers import PostgreSQL

ONE_AT_A_TIME = {"AUTO_MIGRATE_TENANT_WORKERS": "1"}
NAMES = ("acme", "beta", "gamma", "delta", "omega")
MODELS = """
    from django.db import models

    class Item(models.Model):
        pass

    class Gone(models.Model):
        pass
"""
NEWER = """
    from django.db import models

    class Thing(models.Model):
        class Meta:
            verbose_name = "piece"
            permissions = [("give", "May give it away")]

    class Cheap(Thing):
        class Meta:
            proxy = True
            default_permissions = ("view",)

    class Made(models.Model):
        class Meta:
            default_permissions = ("add", "burn")
            permissions = [("see, or (not)", "100 %")]
"""
META = 'options={"permissions": [("give", "May give it away")], "verbose_name": "piece"}'
CHANGES = f"""
    migrations.RenameModel("Item", "Thing"),
    migrations.AlterModelOptions("thing", {META}),
    migrations.CreateModel("Made", [{ID}], options={{
        "default_permissions": ("add", "burn"), "permissions": [("see, or (not)", "100 %")]
    }}),
    migrations.CreateModel("Cheap", [], bases=("shop.thing",), options={{
        "proxy": True, "default_permissions": ("view",)
    }}),
    migrations.DeleteModel("Gone"),
"""
STEPS = """
    migrations.AddField("item", "price", models.IntegerField(default=5), preserve_default=False),
    migrations.AlterField("item", "price", models.BigIntegerField(null=True)),
    migrations.AddField("item", "gone", models.ForeignKey("shop.gone", models.CASCADE, null=True)),
    migrations.RenameField("item", "price", "cost"),
    migrations.AddIndex("item", models.Index(fields=["cost"], name="by_cost")),
"""
ROWS = """
    SELECT type.app_label, type.model, held.codename, held.name FROM {schema}.django_content_type AS type
    LEFT JOIN {schema}.auth_permission AS held ON held.content_type_id = type.id
"""
COLUMNS = """
    SELECT table_name, column_name, column_default LIKE '%nextval%', is_nullable, data_type
    FROM information_schema.columns WHERE table_schema = '{schema}' AND table_name LIKE 'shop%'
"""
OWN = """
    from django.apps import AppConfig
    from django.db import connections
    from django.db.models.signals import post_migrate, pre_migrate

    def tell(signal, app_config, using, plan, apps, **_):
        name = "before" if signal is pre_migrate else "after"
        if app_config.label == "shop":
            print(name, connections[using].schema_name, len(plan), apps.get_model("shop", "item")._meta.label)

    class ShopConfig(AppConfig):
        name = "shop"

        def ready(self):
            pre_migrate.connect(tell)
            post_migrate.connect(tell)
"""


@pytest.fixture(scope="module")
def of_five(postgresql: PostgreSQL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of a database with five tenants, which differ in the rows that Django keeps of models."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    project = written(tmp_path_factory.mktemp("five"), postgresql.create_database(name))
    assert project.run("auto_migrate").code == 0
    project.tenants("acme")
    done = project.run("auto_migrate")
    assert done.code == 0, done.text
    project.copies(*NAMES[1:], of="acme")
    project.query("DELETE FROM beta.auth_permission WHERE codename = 'add_group'")
    project.query("DELETE FROM gamma.django_site")
    project.query("UPDATE delta.django_content_type SET model = 'older' WHERE model = 'group'")
    project.query("INSERT INTO omega.django_content_type (app_label, model) VALUES ('shop', 'stale')")
    project.query("UPDATE omega.auth_permission SET name = 'Own words' WHERE codename = 'view_item'")
    postgresql.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
    yield name
    postgresql.drop_database(name)


@pytest.fixture
def with_rows(postgresql: PostgreSQL, of_five: str, tmp_path: Path) -> Iterator[Tenanted]:
    """A project with a copy of that database."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    yield written(tmp_path, postgresql.create_database(name, of_five))
    postgresql.drop_database(name)


def written(folder: Path, url: str) -> Tenanted:
    """Write the project, with permissions and sites in the schemas of tenants."""
    project = Tenanted(folder, url, "django_tenants", more=["django.contrib.auth", "django.contrib.sites"])
    project.file("shop/models.py", MODELS)
    made = "".join(f'migrations.CreateModel("{name}", [{ID}]),' for name in ("Item", "Gone"))
    project.migration("shop", "0001_initial", made)
    return project


Rows = tuple[set[Any], list[Any], set[Any]]


def rows(project: Tenanted) -> dict[str, Rows]:
    """Return what Django keeps of models in each schema, but for the numbers of the rows, and the columns there."""
    return {
        name: (
            set(project.query(ROWS.format(schema=name))),
            project.query(f"SELECT domain, name FROM {name}.django_site"),
            set(project.query(COLUMNS.format(schema=name))),
        )
        for name in NAMES
    }


def on_a_copy(project: Tenanted, postgresql: PostgreSQL, *command: str) -> dict[str, Rows]:
    """Return the rows that a command of others leaves, on a copy of the database and without this package."""
    mine, settings = project.databases, project.read_settings()
    name = mine["default"].rpartition("/")[2]
    other = f"{name}_other"
    project.databases = {"default": postgresql.create_database(other, name)}
    packages = ("INSTALLED_APPS", "SHARED_APPS")
    project.settings(**{key: [app for app in settings[key] if app != "auto_migrate"] for key in packages})
    try:
        done = project.run(*command)
        assert done.code == 0, done.text
        return rows(project)
    finally:
        project.databases = mine
        project.settings(**settings)
        postgresql.drop_database(other)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("has_permissions", [True, False])
def test_rows_are_those_that_the_package_itself_leaves(
    with_rows: Tenanted, postgresql: PostgreSQL, has_permissions: bool
) -> None:
    project = with_rows
    if not has_permissions:
        # A router that lets them be in no schema: those that are there are touched no more.
        apps = project.read_settings()["TENANT_APPS"]
        project.settings(TENANT_APPS=[app for app in apps if app != "django.contrib.auth"])
    project.migration("shop", "0002_newer", CHANGES, after="0001_initial")
    project.file("shop/models.py", NEWER)
    project.file("project_urls.py", "urlpatterns = []\n")
    wanted = on_a_copy(project, postgresql, "migrate_schemas", "-v0")
    done = project.run("auto_migrate", **ONE_AT_A_TIME)
    assert done.code == 0, done.text
    assert rows(project) == wanted
    assert len({frozenset(found) for found, _sites, _columns in wanted.values()}) > 1


def test_a_receiver_of_the_project_hears_of_each_schema(with_rows: Tenanted, postgresql: PostgreSQL) -> None:
    project = with_rows
    project.file("shop/apps.py", OWN)
    project.migration("shop", "0002_price", STEPS, after="0001_initial")
    wanted = on_a_copy(project, postgresql, "migrate_schemas", "-v0")
    done = project.run("auto_migrate", AUTO_MIGRATE_TENANT_WORKERS="2")
    assert done.code == 0, done.text
    told = [line for line in done.output.splitlines() if line.startswith(("before ", "after "))]
    everywhere = {f"{when} {name} 1 shop.Item" for when in ("before", "after") for name in NAMES}
    assert everywhere <= set(told)
    assert len(told) == len(set(told)) == 2 * len(NAMES) + 2
    assert rows(project) == wanted
