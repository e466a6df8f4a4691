"""The pipeline as a whole: the result is that of Django's `migrate`, and the history is nobody's obstacle."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.forks import Nursery
from tests.manage import run_manage
from tests.runners import Deploy
from tests.servers import PostgreSQL
from tests.snapshot import snapshot

REFUSE = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no history today''; END';
CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON auto_migrate_run EXECUTE FUNCTION refuse();
"""


@pytest.fixture(params=["postgresql", "postgresql15"])
def pair(request: pytest.FixtureRequest) -> Iterator[tuple[PostgreSQL, str, str]]:
    """Return a server of each version with two empty databases."""
    server: PostgreSQL = request.getfixturevalue(request.param)
    server.create_database("ours")
    server.create_database("djangos")
    yield server, server.url("ours"), server.url("djangos")
    server.drop_database("ours")
    server.drop_database("djangos")


def test_a_plan_of_everything_leaves_what_djangos_migrate_leaves(pair: tuple[PostgreSQL, str, str]) -> None:
    server, ours, djangos = pair
    for command, url, env in (("auto_migrate", ours, {}), ("migrate", djangos, {"STOCK": "true"})):
        with Nursery("tests.projects.sweep.settings", url, env) as nursery:
            done = nursery.run(command, database_url=url)
        assert done.returncode == 0, done.output
    assert snapshot(server, "ours").difference(snapshot(server, "djangos")) == ""


def test_the_service_gets_the_schema_that_djangos_migrate_gives_it(pair: tuple[PostgreSQL, str, str]) -> None:
    server, ours, djangos = pair
    for command, url, settings in (
        ("auto_migrate", ours, "sms_sender.settings"),
        ("migrate", djangos, "tests.projects.stock_sms_sender"),
    ):
        done = run_manage(command, database_url=url, settings=settings)
        assert done.returncode == 0, done.stderr
    assert snapshot(server, "ours").difference(snapshot(server, "djangos")) == ""


@pytest.fixture(scope="module")
def counting(postgresql: PostgreSQL) -> Iterator[Nursery]:
    """Return runners of a project with two atomic migrations."""
    with Nursery("tests.projects.counter.settings", postgresql.url()) as nursery:
        yield nursery


@pytest.fixture
def deploy(counting: Nursery, database_url: str) -> Deploy:
    """Return deploys of that project to a database with the first of them."""
    deploy = Deploy(counting, database_url)
    deploy.run("tally", "0001")
    return deploy


def test_the_tables_of_an_older_version_are_widened(deploy: Deploy) -> None:
    deploy.query("ALTER TABLE auto_migrate_step DROP operations_done, DROP operation_started, DROP error")
    deploy.query("ALTER TABLE auto_migrate_run DROP hint, DROP total, DROP release")
    assert "could not be written" not in deploy.run()
    assert deploy.query("SELECT status, total FROM auto_migrate_run ORDER BY requested_at") == [
        ("succeeded", None),
        ("succeeded", 1),
    ]
    assert deploy.query("SELECT name, status, operations_done FROM auto_migrate_step ORDER BY id") == [
        ("0001_initial", "applied", 0),
        ("0002_count", "applied", 0),
    ]


def test_what_an_older_version_left_under_way_is_closed(deploy: Deploy) -> None:
    deploy.query("UPDATE auto_migrate_step SET status = 'running'")
    deploy.query("UPDATE auto_migrate_run SET status = 'running'")
    deploy.query("ALTER TABLE auto_migrate_step DROP operations_done, DROP operation_started, DROP error")
    assert "could not be written" not in deploy.run()
    assert deploy.query("SELECT status FROM auto_migrate_run ORDER BY requested_at") == [
        ("interrupted",),
        ("succeeded",),
    ]
    assert deploy.query("SELECT status FROM auto_migrate_step ORDER BY id") == [("applied",), ("applied",)]


def test_a_history_that_cannot_be_written_does_not_stop_a_deploy(deploy: Deploy) -> None:
    deploy.query(REFUSE)
    assert "could not be written" in deploy.run()
    assert deploy.query("SELECT value FROM tally_total") == [(1,)]
    assert deploy.query("SELECT count(*) FROM auto_migrate_run") == [(1,)]


def test_without_a_journal_nothing_is_done_that_could_not_be_resumed(postgresql: PostgreSQL, database_url: str) -> None:
    with Nursery("tests.projects.cut.settings", database_url) as nursery:
        deploy = Deploy(nursery, database_url)
        deploy.run("ledger", "0001")
        deploy.query(REFUSE)
        assert "journal of ledger.0002_total cannot be written" in deploy.run(expect=1)
        assert deploy.recorded() == ["ledger.0001_initial"]
        assert deploy.query("SELECT * FROM ledger_entry") == [(1, 0), (2, 0)]
        deploy.query("DROP TRIGGER refuse ON auto_migrate_run")
        deploy.run()
        assert deploy.query("SELECT total FROM ledger_entry") == [(1,), (1,)]
