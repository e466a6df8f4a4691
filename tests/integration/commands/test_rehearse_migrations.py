"""`rehearse_migrations`: what it tells, what it leaves behind, and what it never touches."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.integration.commands.conftest import name_of
from tests.integration.commands.processes import running
from tests.manage import run_manage
from tests.servers import PgBouncer, PostgreSQL
from tests.snapshot import Snapshot, snapshot
from tools.servers import wait_until

SETTINGS = "tests.projects.rehearsed.settings"
BOOKS = "INSERT INTO stage_book (title) SELECT 'Title ' || n FROM generate_series(1, 100) AS n"
DATABASES = "SELECT datname FROM pg_database WHERE datname LIKE 'auto_migrate_rehearsal_%%' ORDER BY datname"
SLEEPS = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT pg_sleep(120)%%'"
on_the_newest = pytest.mark.parametrize("server", ["postgresql"], indirect=True)


def rehearse(*arguments: str, url: str, change: str = "", **env: str) -> subprocess.CompletedProcess[str]:
    env = {"CHANGE": change, **env}
    return run_manage("rehearse_migrations", *arguments, database_url=url, settings=SETTINGS, env=env)


def look(server: PostgreSQL, url: str) -> tuple[Snapshot, Any]:
    """Return all that a database holds, the runs of its history included."""
    runs = server.execute("SELECT * FROM auto_migrate_run ORDER BY id", database=name_of(url))
    return snapshot(server, name_of(url)), runs


def told(*arguments: str, **options: Any) -> list[dict[str, Any]]:
    """Run to a good end and return the events."""
    done = rehearse(*arguments, "--format=json", **options)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module", params=["postgresql15", "postgresql"])
def server(request: pytest.FixtureRequest) -> PostgreSQL:
    served: PostgreSQL = request.getfixturevalue(request.param)
    return served


@pytest.fixture(scope="module")
def url(server: PostgreSQL) -> Iterator[str]:
    """Return the URL of a database at the first migration, with books; no test changes it."""
    url = server.create_database("staged")
    done = run_manage("auto_migrate", "stage", "0001", database_url=url, settings=SETTINGS)
    assert done.returncode == 0, done.stderr
    server.execute(BOOKS, database="staged")
    yield url
    server.drop_database("staged")


@pytest.fixture(autouse=True)
def untouched(server: PostgreSQL, url: str) -> Iterator[None]:
    """Hold every rehearsal to what it promises: the real database is as it was, and no other is left."""
    before = look(server, url)
    yield
    assert look(server, url) == before
    assert server.execute(DATABASES) == []


def test_the_plan_is_told_with_what_each_statement_took(url: str) -> None:
    done = rehearse("--rows=50", "-v2", url=url)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("🎭 Rehearsing in auto_migrate_rehearsal_")
    assert "🌱 Tables filled: 1; rows in each: 50" in lines
    index = lines.index('    CREATE INDEX "book_by_title" ON "stage_book" ("title")')
    assert lines[index + 1].startswith("      SHARE on stage_book; reads all of stage_book (rows: 50); 0.")
    assert any("AM109 stage.0002_change:2" in line for line in lines)
    assert lines[-1].startswith("✅ Rehearsed in ")
    assert lines[-1].endswith("; migrations: 1, statements: 2")


def test_what_was_seen_is_evidence_for_the_findings(url: str) -> None:
    events = told("--rows=50", url=url)
    [assessed] = [event for event in events if event["event"] == "plan_assessed"]
    [finding] = [finding for finding in assessed["findings"] if finding["code"] == "AM109"]
    assert [evidence["basis"] for evidence in finding["evidence"]] == ["rule", "live", "observed"]
    assert finding["evidence"][2]["text"].startswith("stage_book: SHARE, reads all of it; 0.")
    assert [event["event"] for event in events[-2:]] == ["plan_assessed", "rehearsal_finished"]
    assert events[-1]["contradictions"] == 0


def test_what_is_built_concurrently_is_seen_to_let_writes_pass(url: str) -> None:
    events = told("--rows=50", url=url, change="concurrently")
    [built] = [event for event in events if event["event"] == "statement_observed"]
    assert [lock["mode"] for lock in built["locks"] if not lock["index"]] == ["SHARE UPDATE EXCLUSIVE"]
    assert (built["in_transaction"], built["scans"]) == (False, [{"table": "stage_book", "rows": 100}])


def test_python_ends_up_in_the_scratch_database_whatever_it_writes_to(url: str) -> None:
    done = rehearse(url=url, change="everywhere")
    assert done.returncode == 0, done.stderr
    # The thread's connection sees nothing of the migration's open transaction, and the migration sees the thread's row.
    assert "written ['from a model', 'from a thread']" in done.stdout
    assert "unless --skip-python: stage.0002_change" in done.stdout


def test_python_is_left_out_if_asked_to(url: str) -> None:
    done = rehearse("--skip-python", url=url, change="everywhere")
    assert (done.returncode, "written" in done.stdout, "--skip-python" in done.stdout) == (0, False, False)


def test_other_databases_are_out_of_reach(url: str, server: PostgreSQL) -> None:
    other = server.create_database("staged_other", template=name_of(url))
    before = look(server, other)
    done = rehearse(url=url, change="elsewhere", OTHER_DATABASE_URL=other)
    assert done.returncode == 1
    assert "Other databases are out of reach in a rehearsal." in done.stderr
    assert look(server, other) == before
    server.drop_database("staged_other")


def test_another_name_of_the_same_database_leads_to_the_scratch_too(url: str) -> None:
    assert rehearse(url=url, change="elsewhere", OTHER_DATABASE_URL=url).returncode == 0


def test_what_would_change_the_server_is_left_out_and_told(url: str, server: PostgreSQL) -> None:
    events = told(url=url, change="role")
    assert [event["statement"] for event in events if event["event"] == "statement_left_out"] == [
        "CREATE ROLE stage_reader;"
    ]
    [observed] = [event for event in events if event["event"] == "statement_observed"]
    assert observed["locks"] == [{"table": "stage_book", "index": "", "mode": "ACCESS EXCLUSIVE"}]
    assert server.execute("SELECT FROM pg_roles WHERE rolname = 'stage_reader'") == []


def test_a_migration_that_fails_there_fails_the_command(url: str) -> None:
    done = rehearse(url=url, change="fail")
    assert done.returncode == 1
    assert 'stage.0002_change:1: ProgrammingError: relation "stage_missing" does not exist' in done.stderr
    assert "The real database was not touched." in done.stderr


def test_a_role_that_may_not_create_databases_is_told_what_to_type(url: str, server: PostgreSQL) -> None:
    server.create_role("modest", "secret-of-modest")
    server.execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO modest", database=name_of(url))
    own = server.url(name_of(url), user="modest", password="secret-of-modest")
    done = rehearse(url=own)
    assert done.returncode == 4
    assert 'ALTER ROLE "modest" CREATEDB' in done.stderr
    assert "--embedded" in done.stderr
    assert "secret" not in done.stdout + done.stderr
    assert rehearse("--embedded", url=own).returncode == 0
    server.execute("ALTER ROLE modest CREATEDB")
    assert rehearse(url=own).returncode == 0
    server.execute("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM modest", database=name_of(url))
    server.execute("DROP ROLE modest")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_rehearsal_at_once_and_drops_the_scratch(
    url: str, server: PostgreSQL, number: signal.Signals
) -> None:
    with sleeping(url, server) as process:
        process.send_signal(number)
        _stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 8
    assert "its scratch database is dropped" in stderr
    assert server.execute(SLEEPS) == [(0,)]


def test_what_a_killed_rehearsal_left_is_dropped_by_the_next(url: str, server: PostgreSQL) -> None:
    with sleeping(url, server) as process:
        process.kill()
        process.communicate()
    [(left,)] = server.execute(DATABASES)
    # The server notices the death when the statement ends.
    server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [left])
    wait_until(lambda: not connected(server, left), timeout=30, message=lambda: "somebody is still connected")
    events = told(url=url)
    assert [event["dropped"] for event in events if event["event"] == "leftovers_found"] == [[left]]


def test_only_what_is_marked_and_alone_is_dropped(url: str, server: PostgreSQL) -> None:
    names = [f"auto_migrate_rehearsal_{word}" for word in ("other", "unmarked", "used")]
    for name in names:
        server.create_database(name)
    server.execute(f"COMMENT ON DATABASE {names[0]} IS 'auto_migrate rehearsal of shop by web:1'")
    server.execute(f"COMMENT ON DATABASE {names[2]} IS 'auto_migrate rehearsal of {name_of(url)} by web:1'")
    with psycopg.connect(server.url(names[2])):
        events = told(url=url)
        assert [name for (name,) in server.execute(DATABASES)] == names
    [found] = [event for event in events if event["event"] == "leftovers_found"]
    assert (found["dropped"], found["unmarked"]) == ([], [names[1]])
    [found] = [event for event in told(url=url) if event["event"] == "leftovers_found"]
    assert (found["dropped"], found["unmarked"]) == ([names[2]], [names[1]])
    for name in names:
        server.drop_database(name)


@on_the_newest
def test_a_pooler_is_passed_by(pgbouncer: PgBouncer, url: str) -> None:
    direct = {"AUTO_MIGRATE_DIRECT_URLS": f"default={url}"}
    assert rehearse(url=pgbouncer.url(name_of(url)), change="concurrently", **direct).returncode == 0


@on_the_newest
def test_without_a_database_migrations_are_named_and_rehearsed_in_a_server_of_their_own() -> None:
    nowhere = "postgresql://nobody:secret@127.0.0.1:9/nothing"
    done = rehearse("stage.0002", "--embedded", "--rows=20", url=nowhere)
    assert done.returncode == 0, done.stderr
    assert "Rehearsing in embedded PostgreSQL 18; " in done.stdout
    assert "      SHARE on stage_book; reads all of stage_book (rows: 20); " in done.stdout
    done = rehearse("--embedded", url=nowhere)
    assert (done.returncode, "secret" in done.stdout + done.stderr) == (3, False)
    assert "Say what to rehearse: manage.py rehearse_migrations --embedded --since" in done.stderr


@on_the_newest
def test_databases_that_tell_no_locks_are_refused(tmp_path: Any) -> None:
    done = rehearse(url=f"sqlite:///{tmp_path}/db.sqlite3")
    assert done.returncode == 2
    assert "only PostgreSQL tells which locks are taken" in done.stderr


def connected(server: PostgreSQL, name: str) -> bool:
    return bool(server.execute("SELECT FROM pg_stat_activity WHERE datname = %s", [name]))


@contextlib.contextmanager
def sleeping(url: str, server: PostgreSQL) -> Iterator[subprocess.Popen[str]]:
    """Return a rehearsal whose statement will not end."""
    options: dict[str, Any] = {"database_url": url, "settings": SETTINGS, "env": {"CHANGE": "sleep"}}
    with running("rehearse_migrations", **options) as process:
        wait_until(lambda: server.execute(SLEEPS) == [(1,)], timeout=60, message=lambda: "nothing sleeps")
        yield process
