"""No traffic behind our locks: a migration waits for its tables without anybody waiting for it."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest

from benchmarks.traffic import HOLDER, LANDED, Traffic, fill, no_gap, transaction
from tests.manage import ROOT, environment, run_manage, start_manage
from tests.programs import finish, start
from tests.servers import PostgreSQL
from tools.servers import wait_until

SETTINGS = "tests.projects.locks.settings"
# Far more than anything here takes on a busy machine; a stop that is not told by a state fails by this.
TIMEOUT = 45.0
# A reader and a writer, for whom whoever waits would wait; more of them keep a processor busy and show no more.
CLIENTS = 2
MIGRATION = "activity.application_name NOT LIKE 'shop %%' AND activity.backend_type = 'client backend'"


@dataclasses.dataclass
class Run:
    """A run of auto_migrate under way, and what it has said so far."""

    process: subprocess.Popen[str]
    log: Path

    @property
    def output(self) -> str:
        return self.log.read_text()

    def said(self, words: str, times: int = 1) -> None:
        """Wait until the run has said it."""
        await_true(lambda: self.output.count(words) >= times, lambda: f"Never said {words!r}:\n{self.output}")

    def ends(self, exit_code: int = 0) -> str:
        """Wait for the end and return the whole output."""
        await_true(lambda: self.process.poll() is not None, lambda: f"Never ended:\n{self.output}")
        assert self.process.returncode == exit_code, self.output
        return self.output


def await_true(condition: Any, message: Any = lambda: "It never came true.") -> None:
    wait_until(condition, timeout=TIMEOUT, message=message)


class Shop:
    """One shop's database, and runs on it."""

    def __init__(self, server: PostgreSQL, name: str, folder: Path) -> None:
        self.server = server
        self.name = name
        self.url = server.url(name)
        self.folder = folder
        self.runs: list[Run] = []

    def start(self, **env: str) -> Run:
        """Start `manage.py auto_migrate`; `env` names the change, and AUTO_MIGRATE settings without their prefix."""
        plain = {"CHANGE", "THEN"}
        env = {name if name in plain else f"AUTO_MIGRATE_{name}": value for name, value in env.items()}
        log = self.folder / f"{len(self.runs)}.log"
        with log.open("w") as output:
            run = Run(self._spawn(env, output), log)
        self.runs.append(run)
        return run

    def _spawn(self, env: dict[str, str], output: IO[str]) -> subprocess.Popen[str]:
        return start_manage(
            "auto_migrate", database_url=self.url, env=env, settings=SETTINGS, stdout=output, stderr=output
        )

    def rows(self, statement: str, *params: Any) -> list[Any]:
        return self.server.execute(statement, params, database=self.name)

    def has_note(self) -> bool:
        return bool(self.rows(LANDED)[0][0])

    def locks(self, table: str) -> set[str]:
        """Name the locks that hold traffic up and that the migration has or wants on a table."""
        return {
            mode
            for (mode,) in self.rows(
                "SELECT held.mode FROM pg_locks AS held JOIN pg_stat_activity AS activity USING (pid)"
                f" WHERE held.relation = to_regclass('{table}') AND {MIGRATION.replace('%%', '%')}"
                " AND held.mode NOT IN ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock')"
                " AND pid <> pg_backend_pid()"
            )
        }

    def waits(self, words: str, seconds: float) -> bool:
        """Return whether a statement with these words has been waiting in the server for so long."""
        return bool(
            self.rows(
                "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE %s"
                " AND query_start < clock_timestamp() - make_interval(secs => %s)",
                f"%{words}%",
                seconds,
            )
        )

    def works(self) -> bool:
        """Return whether the migration is at work in Python."""
        return bool(self.rows("SELECT 1 FROM pg_stat_activity WHERE query LIKE '%pg_try_advisory_xact_lock(42)'"))

    def recorded(self) -> list[str]:
        return [name for (name,) in self.rows("SELECT name FROM django_migrations WHERE app = 'shop' ORDER BY id")]


@pytest.fixture(scope="module")
def template(postgresql: PostgreSQL) -> Iterator[str]:
    """Make a shop with its first migration and some orders."""
    name = f"shop_{uuid.uuid4().hex[:8]}"
    url = postgresql.create_database(name)
    done = run_manage("auto_migrate", "shop", "0001", database_url=url, settings=SETTINGS)
    assert done.returncode == 0, done.stdout + done.stderr
    fill(url)
    yield name
    postgresql.drop_database(name)


@pytest.fixture
def shop(postgresql: PostgreSQL, template: str, tmp_path: Path) -> Iterator[Shop]:
    """Return a shop that has two migrations to go."""
    shop = Shop(postgresql, f"test_{uuid.uuid4().hex[:12]}", tmp_path)
    postgresql.create_database(shop.name, template)
    yield shop
    for run in shop.runs:
        if run.process.poll() is None:
            run.process.kill()
        run.process.wait()
    postgresql.drop_database(shop.name)


def test_nobody_waits_for_a_migration_that_waits_for_a_long_transaction(shop: Shop) -> None:
    with Traffic(shop.url, clients=CLIENTS) as traffic:
        with transaction(shop.url) as blocker:
            run = shop.start()
            run.said("waits for its tables", times=2)
            assert not shop.has_note()
            blocker.commit()
            gone = time.monotonic()
        output = run.ends()
        await_true(lambda: traffic.landed is not None)
    assert not traffic.errors
    # The last tick before the end may be told after it: what counts is that nobody ever waited while it was open.
    assert [seen for seen in traffic.seen_waiting if seen < gone] == []
    assert traffic.landed is not None
    assert traffic.landed - gone < 10
    assert "shop.0002_change... OK" in output.replace("\n", " ")


def test_who_is_in_the_way_is_named_while_it_waits(shop: Shop) -> None:
    with transaction(shop.url) as blocker:
        run = shop.start()
        run.said("waits for its tables")
        run.said("shop_order: ")
        pid, user = blocker.info.backend_pid, blocker.info.user
    line = next(line for line in run.ends().splitlines() if "shop_order: " in line)
    told = line.strip().split(", ")
    assert told[:4] == [f"shop_order: pid {pid}", user, HOLDER, "idle in transaction"]
    assert told[4].startswith("open for ")
    assert told[5] == "SELECT count(*) FROM shop_order"


def test_the_migration_is_untouched_when_patience_ends(shop: Shop) -> None:
    with transaction(shop.url) as blocker:
        output = shop.start(LOCK_PATIENCE="1").ends(1)
        assert "shop.0002_change is untouched: shop_order not free" in output
        assert f"shop_order: pid {blocker.info.backend_pid}, " in output
        assert "pg_terminate_backend" in output
    assert shop.recorded() == ["0001_initial"]
    assert not shop.has_note()
    shop.start().ends()
    assert shop.recorded() == ["0001_initial", "0002_change", "0003_then"]


def test_a_migration_gets_its_turn_where_transactions_never_leave_a_gap(shop: Shop) -> None:
    with Traffic(shop.url, clients=CLIENTS) as traffic, no_gap(shop.url):
        run = shop.start()
        run.said("waits for its tables")
        traffic.forget()
        run.ends()
        await_true(lambda: traffic.landed is not None)
    assert not traffic.errors
    # One second of queueing at the most, and what a busy machine adds.
    assert traffic.longest < 5


def test_no_table_is_kept_while_another_is_waited_for(shop: Shop) -> None:
    with transaction(shop.url):
        run = shop.start(CHANGE="two_tables")
        run.said("waits for its tables")
        seen = [shop.locks("shop_customer") | shop.locks("shop_order") for _look in range(50)]
        assert set().union(*seen) == set()
    run.ends()
    assert shop.has_note()


def test_two_migrations_that_meet_lock_their_tables_in_one_order(shop: Shop) -> None:
    """The tables are named in one order and the operations in the other; a client takes them as the engine does."""
    with transaction(shop.url, "LOCK TABLE shop_customer IN ROW EXCLUSIVE MODE") as client:
        run = shop.start(CHANGE="two_tables")
        run.said("shop_customer: pid")
        client.execute("LOCK TABLE shop_order IN ROW EXCLUSIVE MODE")
    assert "deadlock" not in run.ends()


@pytest.mark.parametrize(
    "env",
    [
        pytest.param({"CHANGE": "column", "THEN": "work"}, id="of an earlier migration"),
        pytest.param({"CHANGE": "work_then_column"}, id="of what comes after it"),
        pytest.param({"CHANGE": "table_work_column"}, id="of what a new table points to"),
        pytest.param({"CHANGE": "column_work_column"}, id="of what comes after it and not before"),
    ],
)
def test_python_that_works_for_long_keeps_no_table_locked(shop: Shop, env: dict[str, str]) -> None:
    with transaction(shop.url, "SELECT pg_advisory_xact_lock(42)"):
        run = shop.start(**env)
        await_true(shop.works, lambda: run.output)
        assert shop.locks("shop_order") == set()
    run.ends()
    assert shop.has_note()


def test_statements_that_tell_nothing_are_bounded_tried_again_and_given_up(shop: Shop) -> None:
    with Traffic(shop.url, clients=CLIENTS) as traffic, transaction(shop.url) as blocker:
        env = {"CHANGE": "sql", "LOCK_TIMEOUT_CEILING": "0.3", "RETRY_DELAY": "0.1"}
        output = shop.start(**env, MAX_RETRIES="2").ends(1)
        assert output.count("Attempt 1 failed") == output.count("Attempt 2 failed") == 1
        assert "lock" in output.lower()
        assert "Nothing was changed" in output
        assert shop.recorded() == ["0001_initial"]
        run = shop.start(**env, MAX_RETRIES="100")
        run.said("Attempt 1 failed")
        blocker.commit()
        run.ends()
    assert shop.has_note()
    assert not traffic.errors
    # Each attempt queues for 0.3 s; without a bound the first would have queued as long as the blocker stayed.
    assert traffic.longest < 5


def test_an_index_built_concurrently_waits_for_as_long_as_it_takes_and_stops_nobody(shop: Shop) -> None:
    limits = {"LOCK_TIMEOUT_CEILING": "0.2", "STATEMENT_TIMEOUT": "0.2"}
    with Traffic(shop.url, clients=CLIENTS) as traffic:
        with transaction(shop.url, "UPDATE shop_order SET price = 0 WHERE id = 50"):
            run = shop.start(CHANGE="concurrently", **limits)
            await_true(lambda: shop.waits("CREATE INDEX CONCURRENTLY", 1.5), lambda: run.output)
            assert traffic.seen_waiting == []
        run.ends()
    assert not traffic.errors
    assert shop.rows("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('order_price')") == [(True,)]


def test_a_constraint_is_validated_for_as_long_as_it_takes_and_stops_nobody(shop: Shop) -> None:
    shop.start(CHANGE="not_valid", THEN="work").ends()
    shop.rows("DELETE FROM django_migrations WHERE app = 'shop' AND name = '0003_then'")
    limits = {"LOCK_TIMEOUT_CEILING": "0.2", "STATEMENT_TIMEOUT": "0.2"}
    with Traffic(shop.url, clients=CLIENTS) as traffic:
        # What VALIDATE CONSTRAINT cannot stand beside, and reads and writes can.
        with transaction(shop.url, "LOCK TABLE shop_order IN SHARE UPDATE EXCLUSIVE MODE"):
            run = shop.start(CHANGE="not_valid", THEN="validate", **limits)
            await_true(lambda: shop.waits("VALIDATE CONSTRAINT", 1.5), lambda: run.output)
            assert traffic.seen_waiting == []
        run.ends()
    assert not traffic.errors
    assert shop.rows("SELECT convalidated FROM pg_constraint WHERE conname = 'order_priced'") == [(True,)]


def test_autovacuum_gives_way(tmp_path: Path) -> None:
    with PostgreSQL(autovacuum_naptime="1s", deadlock_timeout="100ms") as server:
        url = server.create_database("vacuumed")
        done = run_manage("auto_migrate", "shop", "0001", database_url=url, settings=SETTINGS)
        assert done.returncode == 0, done.stdout + done.stderr
        fill(url, 50_000)
        shop = Shop(server, "vacuumed", tmp_path)
        # One page at a time and a long rest after each: this vacuum would take hours.
        shop.rows(
            "ALTER TABLE shop_order SET (autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1,"
            " autovacuum_vacuum_threshold = 1, autovacuum_vacuum_scale_factor = 0)"
        )
        shop.rows("DELETE FROM shop_order WHERE id %% 2 = 0".replace("%%", "%"))
        await_true(
            lambda: bool(
                shop.rows(
                    "SELECT 1 FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE backend_type = 'autovacuum worker'"
                    " AND relation = to_regclass('shop_order') AND mode = 'ShareUpdateExclusiveLock'"
                )
            )
        )
        run = shop.start()
        try:
            run.said("autovacuum")
            run.ends()
        finally:
            run.process.kill()
        assert shop.has_note()


def test_the_age_of_what_another_role_does_is_known_without_the_right_to_see_it(shop: Shop) -> None:
    """`pg_stat_activity` hides it from an ordinary role; a session's next transaction is not its last one."""
    shop.server.create_role(role := f"deployer_{uuid.uuid4().hex[:8]}", "secret")
    for statement in ("GRANT ALL ON SCHEMA public TO {}", "ALTER TABLE shop_order OWNER TO {}"):
        shop.rows(statement.format(role))
    for table in ("shop_customer", "django_migrations", "auto_migrate_run", "auto_migrate_step"):
        shop.rows(f"ALTER TABLE {table} OWNER TO {role}")
    shop.url = f"postgresql://{role}:secret@127.0.0.1:{shop.server.port}/{shop.name}"
    with no_gap(shop.server.url(shop.name)):
        run = shop.start()
        run.said("shop_order: ")
        run.said("open for 0s")
        assert "SELECT count(*)" not in run.output
        run.ends()
    assert shop.has_note()


LOOK = """
import json, django
django.setup()
from django.db import connection
from auto_migrate import migrate

def settings():
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, setting FROM pg_settings UNION SELECT 'pid', pg_backend_pid()::text")
        return dict(cursor.fetchall())

before = settings()
migrate("default")
after = settings()
print(json.dumps([before["pid"] == after["pid"], {name: after[name] for name in after if after[name] != before[name]}]))
"""


@pytest.mark.parametrize("change", ["column", "sql", "concurrently", "not_valid", "work"])
def test_no_setting_stays_on_the_session(shop: Shop, change: str) -> None:
    env = {
        "DATABASE_URL": f"{shop.url}?application_name=worker",
        "CHANGE": change,
        "THEN": "validate" if change == "not_valid" else "",
        "AUTO_MIGRATE_STATEMENT_TIMEOUT": "60",
    }
    command = [sys.executable, "-c", LOOK]
    done = finish(start(command, env=environment(env, settings=SETTINGS), cwd=ROOT, stdout=subprocess.PIPE))
    assert json.loads(done.stdout) == [True, {}]
