"""What a role or a service file may have set: it works all the same, or it is said what to do."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import Client

from auto_migrate.databases import adapter_for
from auto_migrate.exceptions import DatabaseRefused
from auto_migrate.history.models import RunRecord, StepRecord
from auto_migrate.inspection import inspect
from auto_migrate.planning.schema_state import quick_state
from auto_migrate.preview import preview
from auto_migrate.retry import Retry
from auto_migrate.wait import wait
from auto_migrate.web import health
from tests.forks import Nursery
from tests.integration.fallback.project import Project
from tests.runners import Deploy, the_point
from tests.servers import PostgreSQL

QUICK = {"AUTO_MIGRATE_RETRY_DELAY": "0.1", "AUTO_MIGRATE_MAX_RETRIES": "2"}


@pytest.fixture(scope="module")
def nursery(postgresql: PostgreSQL) -> Iterator[Nursery]:
    """Return runners of a project that knows no time zones."""
    with Nursery("tests.projects.cut.naive_settings", postgresql.url(), QUICK) as nursery:
        yield nursery


@pytest.fixture
def as_role(postgresql: PostgreSQL, nursery: Nursery, database_url: str) -> Iterator[Callable[[str], Deploy]]:
    """Return deploys by the owner of the database, whose role has a setting."""
    role, name = f"role_{uuid.uuid4().hex[:8]}", database_url.rpartition("/")[2]
    postgresql.create_role(role, "secret")
    postgresql.execute(f"ALTER DATABASE {name} OWNER TO {role}")

    def configured(setting: str) -> Deploy:
        postgresql.execute(f"ALTER ROLE {role} SET {setting}")
        url = f"postgresql://{role}:secret@127.0.0.1:{postgresql.port}/{name}"
        return Deploy(nursery, url, direct_url=database_url)

    yield configured
    postgresql.drop_database(name)
    postgresql.execute(f"DROP ROLE {role}")


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    "setting",
    [
        "DateStyle = 'SQL, DMY'",
        "IntervalStyle = 'sql_standard'",
        "bytea_output = 'escape'",
        "standard_conforming_strings = off",
        "default_transaction_isolation = 'serializable'",
        "lock_timeout = '1ms'",
        "row_security = off",
        "client_encoding = 'LATIN1'",
    ],
)
def test_a_role_with_habits_of_its_own_migrates(as_role: Callable[[str], Deploy], setting: str) -> None:
    deploy = as_role(setting)
    deploy.run()
    assert "No migrations to apply" in deploy.run()
    assert len(deploy.recorded()) == 6


SLEEP = """
import time

def compute(apps, schema_editor):
    apps.get_model("shop", "A").objects.create()
    time.sleep(1)
"""


@pytest.mark.parametrize("atomic", [True, False])
def test_a_migration_may_compute_for_longer_than_a_role_lets_its_sessions_be_idle(
    as_role: Callable[[str], Deploy], tmp_path: Path, atomic: bool
) -> None:
    project = Project(tmp_path, as_role("idle_in_transaction_session_timeout = '300ms'").url)
    project.app("shop")
    operations = """
        migrations.CreateModel("A", [("id", models.BigAutoField(primary_key=True))]),
        migrations.RunPython(compute, atomic=True),
    """
    project.migration("shop", "0001_initial", operations, before=SLEEP, head=f"atomic = {atomic}")
    done = project.run("auto_migrate", "--max-retries=2")
    assert done.code == 0, done.text


@pytest.mark.parametrize(
    ("setting", "command"),
    [
        ("search_path = ''", "SET search_path = public"),
        ("search_path = nowhere", "SET search_path = public"),
        ("default_transaction_read_only = on", "SET default_transaction_read_only = off"),
    ],
)
@pytest.mark.parametrize("name", ["auto_migrate", "migrate"])
def test_a_role_that_cannot_migrate_is_refused_with_what_to_type(
    as_role: Callable[[str], Deploy], setting: str, command: str, name: str
) -> None:
    deploy = as_role(setting)
    done = deploy.nursery.run(name, database_url=deploy.url)
    assert done.returncode == 4, done.output
    assert command in done.output
    assert "Traceback" not in done.output


def test_a_role_that_may_not_have_a_second_connection_is_told_that_it_takes_two(
    as_role: Callable[[str], Deploy], postgresql: PostgreSQL
) -> None:
    deploy = as_role("application_name = 'ours'")
    postgresql.execute(f"ALTER ROLE {urlsplit(deploy.url).username} CONNECTION LIMIT 1")
    done = deploy.start()
    assert done.wait() == 3, done.output
    assert "A run needs two connections" in done.output
    assert "is its address" not in done.output


def test_a_role_that_has_no_time_for_anything_is_refused_or_told_where_it_failed(
    as_role: Callable[[str], Deploy],
) -> None:
    deploy = as_role("statement_timeout = '1ms'")
    for _ in range(3):
        done = deploy.start()
        assert done.wait() in {1, 4}, done.output
        assert "statement" in done.output
        assert "Traceback" not in done.output


def test_whoever_waits_without_time_zones_is_told_who_holds_the_lock_and_what_it_does(
    nursery: Nursery, database_url: str, postgresql: PostgreSQL
) -> None:
    measured = postgresql.create_database("measured_roles")
    points = Deploy(nursery, measured).points()
    postgresql.drop_database("measured_roles")
    deploy = Deploy(nursery, database_url)
    holder = deploy.stop(the_point(points, "before", "CREATE INDEX CONCURRENTLY", "ledger.0005"))
    output = deploy.run("--lock-wait", "0", expect=5)
    holder.kill()
    holder.wait()
    assert "on ledger.0005_total_index for " in output
    assert "Traceback" not in output


@pytest.mark.django_db
def test_within_a_transaction_the_tables_of_the_history_are_made_with_it() -> None:
    with transaction.atomic():
        with connection.schema_editor() as editor:
            for model in (StepRecord, RunRecord):
                if model._meta.db_table in connection.introspection.table_names():
                    editor.delete_model(model)
        call_command("auto_migrate", verbosity=0)
        assert RunRecord._meta.db_table in connection.introspection.table_names()


# -- service files ----------------------------------------------------------------------------------------------------


@pytest.fixture
def other(transactional_db: None) -> Iterator[BaseDatabaseWrapper]:
    """Return a `default` connection that the test may point elsewhere, and put the real one back."""
    real = connections["default"]
    connections["default"] = real.copy()
    # A pool is found by its alias, and would go on leading to where it led.
    if pool := real.settings_dict["OPTIONS"].get("pool"):
        real.close()
        real.close_pool()  # type: ignore[attr-defined] # of PostgreSQL
        connections["default"].settings_dict["OPTIONS"]["pool"] = {"timeout": 1}
    health.forget()
    yield connections["default"]
    connections["default"].close()
    if pool and (elsewhere := real._connection_pools.pop(real.alias, None)):  # type: ignore[attr-defined] # the same
        elsewhere.close()
    connections["default"] = real
    health.forget()


@pytest.fixture
def service(other: BaseDatabaseWrapper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Let a service file say where the database is, and the settings nothing but its name."""
    settings = other.settings_dict
    said = {
        "host": settings["HOST"],
        "port": str(settings["PORT"]),
        "user": settings["USER"],
        "dbname": settings["NAME"],
    }
    lines = [f"{name}={value}" for name, value in {**said, "password": settings["PASSWORD"]}.items()]
    (tmp_path / "services").write_text("\n".join(["[shop]", *lines]) + "\n")
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "services"))
    settings.update(HOST="", PORT="", USER="", PASSWORD="", NAME="", OPTIONS={"service": "shop"})
    return said


def test_messages_say_what_the_service_file_says(service: dict[str, str]) -> None:
    database = adapter_for("default")
    told = {"host": f"{service['host']}:{service['port']}", "role": service["user"], "name": service["dbname"]}
    for _ in ("before it is connected", "and afterwards"):
        address = database.address
        assert {"host": address.host, "role": address.role, "name": address.name} == told
        database.prepare()


@pytest.mark.parametrize(
    "wrong",
    [
        {"OPTIONS": {"service": "shpo"}},
        {"OPTIONS": {"hots": "db"}},
        {"PORT": "54321x"},
        {"OPTIONS": {"sslmode": "sometimes"}},
        {"OPTIONS": {"sslmode": "verify-full", "sslrootcert": "/nowhere"}},
        {"OPTIONS": {"target_session_attrs": "best"}},
        {"OPTIONS": {"connect_timeout": "soon"}},
        {"HOST": "a,b,c", "PORT": "1,2"},
        {"NAME": ""},
        {"CONN_MAX_AGE": "soon"},
    ],
    ids=str,
)
def test_what_libpq_cannot_make_sense_of_is_refused_at_once(
    wrong: dict[str, object], other: BaseDatabaseWrapper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "services"))
    (tmp_path / "services").write_text("[shop]\nhost=localhost\n")
    other.settings_dict.update(wrong)
    with pytest.raises(DatabaseRefused) as raised:
        wait(retry=Retry(2, 0))
    assert "DATABASES['default']" in raised.value.hint
    for look in (quick_state, inspect, preview):
        with pytest.raises(DatabaseRefused):
            look()


# -- a server that Django does not support ----------------------------------------------------------------------------


@pytest.fixture
def too_old(other: BaseDatabaseWrapper) -> Iterator[None]:
    """Let Django support nothing that is not newer than the server."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(other.features), "minimum_database_version", (99,))
        # It looks once a process.
        patch.setattr("django.db.backends.base.base.RAN_DB_VERSION_CHECK", set())
        yield


@pytest.mark.parametrize(
    "command",
    [
        ["wait_for_db"],
        ["auto_migrate"],
        ["auto_migrate", "--check"],
        ["auto_migrate", "--plan"],
        ["wait_for_migrations"],
        ["migrate"],
        ["rehearse_migrations"],
    ],
    ids=" ".join,
)
def test_a_server_older_than_django_supports_is_refused_by_every_command(too_old: None, command: list[str]) -> None:
    for _ in range(2):
        with pytest.raises(CommandError) as raised:
            call_command(*command)
        assert raised.value.returncode == 4
        assert "older than this Django supports" in str(raised.value)
        assert "PostgreSQL 99 or later is required" in str(raised.value)


def test_a_server_older_than_django_supports_is_told_to_probes(too_old: None) -> None:
    for _ in range(2):
        assert Client().get("/api/webhooks/ready/").status_code == 503
        assert Client().get("/api/webhooks/health/").json()["database"]["status"] == "refused"
