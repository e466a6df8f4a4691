"""Ways of having tenants that are not the usual ones, and migrations that go where they should not."""

from __future__ import annotations

import re
import uuid
from pathlib import Path

import pytest

from tests.integration.fleet.tenanted import Tenanted
from tests.servers import PostgreSQL

ONE_AT_A_TIME = {"AUTO_MIGRATE_TENANT_WORKERS": "1"}
LEADING_AWAY = """
from django.db import connection

def lead_away(apps, editor):
    connection.set_schema("delta")
"""
RUN = "migrations.RunPython(lead_away, lead_away)"
ADD = 'migrations.AddField("item", "price", models.IntegerField(null=True))'
HEARING = """
    from django.apps import AppConfig

    class ShopConfig(AppConfig):
        name = "shop"

        def ready(self):
            from django_tenants.migration_executors.base import run_migrations
            from django_tenants.signals import schema_migrated, schema_pre_migration

            for name, signal in (("before", schema_pre_migration), ("after", schema_migrated)):
                signal.connect(
                    lambda schema_name, name=name, **_: print(name, schema_name), sender=run_migrations, weak=False
                )
"""
LOOKING = """
    from django.db import connection
    from django_tenants.utils import schema_context

    def listen(event, context):
        if context.is_part and event.kind == "migration_finished":
            with schema_context("delta"), connection.cursor() as cursor:
                cursor.execute("SELECT current_schema()")
                print("seen from", context.schema, *cursor.fetchone())
"""
ORDERED = """
    from django.db import models
    from django_tenants.models import DomainMixin, TenantMixin

    class Client(TenantMixin):
        place = models.IntegerField(default=0)

    class Domain(DomainMixin):
        pass
"""
NOBODY = """
    from django.db import models
    from django_tenants.models import DomainMixin, TenantMixin

    class Nobody(models.Manager):
        def get_queryset(self):
            return super().get_queryset().none()

    class Client(TenantMixin):
        objects = Nobody()

    class Domain(DomainMixin):
        pass
"""
RACE = """
from django.db import connection
from auto_migrate.databases import adapter_for
from auto_migrate.fleet.shared_plan import plan_for
from auto_migrate.fleet.database_state import state_of_group, whole_state
from auto_migrate.fleet.inventory import take_inventory
from auto_migrate.planning.targets import Goal
from auto_migrate.tenancy import tenancy_of

tenancy, database = tenancy_of("default"), adapter_for("default")
(group,) = take_inventory(tenancy).groups
with connection.cursor() as cursor:
    cursor.execute({statement!r})
plan = plan_for(database, tenancy, group, Goal.asked(None, None))
print(len(plan.comparison.plan), state_of_group(database, tenancy, group).state, whole_state("default").state)
"""


@pytest.mark.sampled(3)
@pytest.mark.parametrize("head", ["", "atomic = False"])
def test_code_that_leaves_the_connection_in_another_schema_takes_nothing_else_there(
    tenanted: Tenanted, head: str
) -> None:
    project = tenanted
    project.migration("shop", "0002_away", f"{RUN}, {ADD}, {RUN}", after="0001_initial", before=LEADING_AWAY, head=head)
    one = project.run("auto_migrate", "--tenant=acme", **ONE_AT_A_TIME)
    assert one.code == 0, one.text
    assert project.with_column() == {"acme"}
    assert "shop.0002_away" in project.recorded_in("acme")
    assert "shop.0002_away" not in project.recorded_in("delta")
    # In the schema that all share it would be the same.
    assert "shop.0002_away" in project.recorded_in("public")
    everywhere = project.run("auto_migrate")
    assert everywhere.code == 0, everywhere.text
    back = project.run("auto_migrate", "shop", "0001", "--tenant=beta")
    assert back.code == 0, back.text
    assert project.with_column() == {"acme", "gamma", "delta"}


def test_a_listener_may_look_into_other_schemas(tenanted: Tenanted) -> None:
    project = tenanted
    project.file("looking.py", LOOKING)
    project.setting("LISTENERS", ["looking.listen"])
    project.column()
    done = project.run("auto_migrate")
    assert done.code == 0, done.text
    everywhere = {"acme", "beta", "gamma", "delta"}
    assert {line for line in done.output.splitlines() if "seen" in line} == {
        f"seen from {name} delta" for name in everywhere
    }
    assert project.with_column() == everywhere


def test_a_column_by_which_tenants_are_ordered_may_come_with_the_deploy(tenanted: Tenanted) -> None:
    project = tenanted
    project.file("customers/models.py", ORDERED)
    place = 'migrations.AddField("client", "place", models.IntegerField(default=0)),'
    project.migration("customers", "0002_place", place, after="0001_initial")
    project.settings(TENANT_MIGRATION_ORDER=["place"])
    project.column()
    assert project.run("auto_migrate", "--check").code == 9
    assert project.get("/ready/") == (503, {"status": "not_ready", "reason": "behind"})
    done = project.run("auto_migrate")
    assert done.code == 0, done.text
    assert project.with_column() == {"acme", "beta", "gamma", "delta"}
    # Once it should be there, its absence is told.
    project.query("ALTER TABLE customers_client DROP place")
    for command in (["auto_migrate"], ["auto_migrate", "--check"]):
        missing = project.run(*command)
        assert missing.code == 2, missing.text
        assert "customers.Client does not tell the tenants" in missing.errors


def test_a_schema_that_the_code_names_is_wanted_before_it_is_there(tmp_path: Path, database_url: str) -> None:
    project = Tenanted(tmp_path, database_url, "django_pgschemas")
    assert project.run("auto_migrate").code == 0
    blog = {"APPS": ["shop"], "URLCONF": "project_urls", "DOMAINS": ["blog.example.org"]}
    project.settings(TENANTS={**project.read_settings()["TENANTS"], "blog": blog})
    assert project.run("auto_migrate", "--check").code == 9
    assert project.get("/ready/") == (503, {"status": "not_ready", "reason": "behind"})
    done = project.run("auto_migrate")
    assert done.code == 0, done.text
    assert "shop.0001_initial" in project.recorded_in("blog")
    assert project.run("auto_migrate", "--check").code == 0


def test_tenants_that_cannot_be_had_are_refused_and_questions_are_of_those_that_are_named(tenanted: Tenanted) -> None:
    project = tenanted
    project.tenants("ghost", schema=False)
    project.column()
    for options in (["--canary=ghost"], ["--tenant=ghost"], ["--check", "--tenant=ghost"], ["--plan", "--tenant=none"]):
        refused = project.run("auto_migrate", *options)
        assert refused.code == 2, refused.text
    apart = project.run("auto_migrate", "--tenant=acme", "--canary=beta")
    assert (apart.code, project.with_column()) == (2, set())
    assert "The canary 'beta'" in apart.errors
    assert project.run("auto_migrate", "--tenant=acme").code == 0
    assert project.run("auto_migrate", "--check", "--tenant=acme").code == 0
    assert project.run("auto_migrate", "--check", "--tenant=beta").code == 9
    plan = project.run("auto_migrate", "--plan", "--tenant=beta")
    assert "1 schema is behind (beta)" in plan.output
    # One that the package itself works in no schema of.
    project.tenants("semi;colon")
    refused = project.run("auto_migrate")
    assert refused.code == 2, refused.text
    assert "django_tenants works in no schema of the name 'semi;colon'" in refused.errors


def test_a_name_that_the_package_would_lead_elsewhere_is_refused(tmp_path: Path, database_url: str) -> None:
    project = Tenanted(tmp_path, database_url, "django_pgschemas")
    assert project.run("auto_migrate").code == 0
    # It sends names without quotes, and then there is no such schema but the one that all share.
    project.tenants("Acme")
    refused = project.run("auto_migrate")
    assert refused.code == 2, refused.text
    assert "django_pgschemas works in no schema of the name 'Acme'" in refused.errors
    assert project.query("SELECT schemaname FROM pg_tables WHERE tablename = 'shop_item'") == []


def test_a_name_that_the_server_shortens_is_that_of_its_schema(tenanted: Tenanted) -> None:
    project = tenanted
    # Of 80 bytes, wherever it is written.
    project.tenants("\u0416" * 40)
    assert project.run("auto_migrate", "--check").code == 9
    project.column()
    done = project.run("auto_migrate")
    assert done.code == 0, done.text
    assert project.with_column() == {"acme", "beta", "gamma", "delta", "\u0416" * 31}
    assert "they have no schema" not in done.text


def test_a_shared_schema_that_is_missing_is_told_by_its_name(tmp_path: Path, database_url: str) -> None:
    project = Tenanted(tmp_path, database_url, "django_tenants")
    project.settings(PUBLIC_SCHEMA_NAME="main")
    refused = project.run("auto_migrate")
    assert refused.code == 4, refused.text
    assert 'search_path = "main"' in refused.errors or "search_path = main" in refused.errors
    project.query("CREATE SCHEMA main")
    done = project.run("auto_migrate")
    assert done.code == 0, done.text


def test_a_manager_may_let_nobody_through(tenanted: Tenanted) -> None:
    project = tenanted
    project.file("customers/models.py", NOBODY)
    project.column()
    done = project.run("auto_migrate")
    assert done.code == 0, done.text
    assert project.with_column() == set()


def test_a_second_database_of_the_same_engine_has_no_tenants(tenanted: Tenanted, postgresql: PostgreSQL) -> None:
    project = tenanted
    name = f"test_{uuid.uuid4().hex[:12]}"
    project.databases["other"] = postgresql.create_database(name)
    engine = {"ENGINE": "django_tenants.postgresql_backend"}
    project.settings(ENGINES={"default": engine, "other": engine})
    for options in ([], ["--check"]):
        done = project.run("auto_migrate", "--database=other", *options)
        assert done.code == 0, done.text
    postgresql.drop_database(name)


def test_what_shares_a_name_with_nobody_may_be_the_shared_schema(tmp_path: Path, database_url: str) -> None:
    project = Tenanted(tmp_path, f"{database_url}?options=-csearch_path%3Dcore,public", "own")
    project.query("CREATE SCHEMA core")
    # A per cent sign is a letter like any other.
    project.query('CREATE SCHEMA "50%s"')
    project.file("own_tenants.py", "def names():\n    return ['50%s', 'public', '50%s']\n")
    project.column()
    done = project.run("auto_migrate")
    assert done.code == 0, done.text
    assert project.with_column() == {"core", "50%s"}
    project.query("DELETE FROM core.django_migrations WHERE name = '0002_price'")
    project.query("ALTER TABLE core.shop_item DROP price")
    done = project.run("auto_migrate")
    assert (done.code, project.with_column()) == (0, {"core", "50%s"})


@pytest.mark.sampled(3)
@pytest.mark.parametrize("body", ["raise KeyError('x')", "return None", "return 'acme'"])
def test_a_function_that_fails_ends_in_words(tmp_path: Path, database_url: str, body: str) -> None:
    project = Tenanted(tmp_path, database_url, "own")
    project.file("own_tenants.py", f"def names():\n    {body}\n")
    done = project.run("auto_migrate", "--check")
    assert done.code == 2, done.text
    assert "own_tenants.names" in done.errors


def test_the_signals_of_django_tenants_are_sent_for_each_schema(tenanted: Tenanted) -> None:
    project = tenanted
    project.file("shop/apps.py", HEARING)
    project.column()
    done = project.run("auto_migrate", **ONE_AT_A_TIME)
    assert done.code == 0, done.text
    told = [line for line in done.output.splitlines() if line.startswith(("before ", "after "))]
    wanted = [f"{when} {name}" for name in ("public", "acme", "beta", "delta", "gamma") for when in ("before", "after")]
    assert told == wanted


@pytest.mark.parametrize("operation", [ADD, 'migrations.DeleteModel("item")'])
def test_a_table_that_a_tenant_lacks_is_not_taken_from_those_that_all_share(tenanted: Tenanted, operation: str) -> None:
    project = tenanted
    # As where an app was shared: the schemas of tenants have its record alone.
    project.query("ALTER TABLE beta.shop_item SET SCHEMA public")
    project.migration("shop", "0002_next", operation, after="0001_initial")
    done = project.run("auto_migrate", "--tenant=beta")
    assert done.code == 1, done.text
    assert 'would change shop_item of the schema "public", since "beta" has no such table' in done.errors
    assert project.with_column("id") == {"public", "acme", "gamma", "delta"}
    assert project.with_column() == set()


def test_as_many_threads_work_as_there_are_connections(tenanted: Tenanted) -> None:
    project = tenanted
    role = f"tiny_{uuid.uuid4().hex[:12]}"
    # The deploy lock, the run, the channel by which a run of over a second is told what to do, and one thread.
    project.query(f"CREATE ROLE {role} LOGIN PASSWORD 'x' CONNECTION LIMIT 4")
    project.column()
    owner = project.url
    try:
        for schema in ("public", "acme", "beta", "gamma", "delta"):
            project.query(f"ALTER SCHEMA {schema} OWNER TO {role}")
            for (table,) in project.query(f"SELECT tablename FROM pg_tables WHERE schemaname = '{schema}'"):
                project.query(f"ALTER TABLE {schema}.{table} OWNER TO {role}")
        project.databases["default"] = re.sub("//[^@]*@", f"//{role}:x@", owner)
        done = project.run("auto_migrate", "--max-retries=1", AUTO_MIGRATE_TENANT_WORKERS="4")
        assert done.code == 0, done.text
    finally:
        project.databases["default"] = owner
        project.query(f"REASSIGN OWNED BY {role} TO CURRENT_USER; DROP OWNED BY {role}; DROP ROLE {role}")
    assert project.with_column() == {"acme", "beta", "gamma", "delta"}


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO acme.django_migrations (app, name, applied) VALUES ('shop', '0002_price', now())",
        "DROP SCHEMA acme CASCADE",
    ],
)
def test_a_tenant_that_changes_when_it_was_looked_at_says_nothing_of_others(tenanted: Tenanted, statement: str) -> None:
    project = tenanted
    project.column()
    # The record of the shared schema has it.
    project.query("INSERT INTO django_migrations (app, name, applied) VALUES ('shop', '0002_price', now())")
    done = project.run("shell", "-c", RACE.format(statement=statement))
    assert done.output.splitlines()[-1:] == ["1 behind behind"], done.text


def test_a_record_that_contradicts_the_files_is_told_with_its_schema(tenanted: Tenanted) -> None:
    project = tenanted
    project.column()
    project.query("DELETE FROM beta.django_migrations WHERE app = 'shop'")
    project.query("INSERT INTO beta.django_migrations (app, name, applied) VALUES ('shop', '0002_price', now())")
    for options in ([], ["--check"]):
        done = project.run("auto_migrate", *options)
        assert done.code == 7, done.text
        assert 'In the schema "beta": The recorded history contradicts' in done.errors


@pytest.mark.sampled(3)
@pytest.mark.parametrize("package", ["django_pgschemas", "django_tenants", "own"])
def test_sql_that_sets_the_search_path_leads_nothing_else_away(package: str, tmp_path: Path, database_url: str) -> None:
    project = Tenanted(tmp_path, database_url, package)
    project.settings(TENANT_LIMIT_SET_CALLS=True, PGSCHEMAS_LIMIT_SET_CALLS=True)
    assert project.run("auto_migrate").code == 0
    project.tenants("acme", "beta")
    # As every dump of PostgreSQL begins.
    dumped = "migrations.RunSQL(\"SELECT pg_catalog.set_config('search_path', '', false)\", migrations.RunSQL.noop)"
    project.migration("shop", "0002_dumped", f"{dumped}, {ADD}, {dumped}", after="0001_initial")
    done = project.run("auto_migrate")
    assert done.code == 0, done.text
    assert project.with_column() - {"public"} == {"acme", "beta"}
    assert "shop.0002_dumped" in project.recorded_in("beta")
