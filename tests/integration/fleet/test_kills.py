"""A deploy of many tenants that is cut short anywhere is finished by the next one."""

from __future__ import annotations

import signal
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.fleet.tenanted import Tenanted
from tests.servers import PostgreSQL

MANY = tuple(f"t{number:02}" for number in range(36))
# A listener of the project's own, which ends the process at the n-th thing that it is told of a tenant.
KILLER = """
    import os, signal

    told = 0

    def listen(event, context):
        global told
        if context.is_part:
            told += 1
        if told == int(os.environ.get("KILL_AT", 0)) > 0:
            os.kill(os.getpid(), getattr(signal, os.environ["KILL_BY"]))
"""
STEPS = """
    migrations.AddField("item", "one", models.IntegerField(null=True)),
    migrations.AddField("item", "two", models.IntegerField(null=True)),
"""
MORE = """
    migrations.AddField("item", "place", models.IntegerField(default=7)),
    migrations.AddIndex("item", models.Index(fields=["price"], name="item_price")),
"""
# Each of the 40 schemas tells of its plan, of the begin and the end of three migrations, and of its own end; the large
# ones of the steps of an index as well.
MOMENTS = range(2, 320, 6)
LARGE = ("acme", "t05", "t30")
INDEXED = """
    SELECT relnamespace::regnamespace::text FROM pg_index JOIN pg_class ON oid = indexrelid
    WHERE relname = 'item_price' AND indisvalid
"""


@pytest.fixture(scope="session")
def of_forty(postgresql: PostgreSQL, of_four: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of a database with forty tenants, three of them large, to be copied."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    project = Tenanted(tmp_path_factory.mktemp("forty"), postgresql.create_database(name, of_four), "django_tenants")
    project.copies(*MANY, of="acme")
    for schema in LARGE:
        project.query(f"INSERT INTO {schema}.shop_item SELECT number FROM generate_series(1, 300) AS number")
    postgresql.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
    yield name
    postgresql.drop_database(name)


@pytest.fixture
def forty(postgresql: PostgreSQL, of_forty: str, tmp_path: Path) -> Iterator[Tenanted]:
    """A project with forty tenants, and three migrations for each: one atomic, one that is not, one online."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    project = Tenanted(tmp_path, postgresql.create_database(name, of_forty), "django_tenants")
    project.file("killer.py", KILLER)
    project.setting("LISTENERS", ["killer.listen"])
    project.setting("SMALL_TABLE", 100)
    project.column()
    project.migration("shop", "0003_steps", STEPS, after="0002_price", head="atomic = False")
    project.migration("shop", "0004_more", MORE, after="0003_steps")
    yield project
    postgresql.drop_database(name)


def assert_whole(project: Tenanted) -> None:
    everywhere = {*MANY, "acme", "beta", "gamma", "delta"}
    for column in ("price", "one", "two", "place"):
        assert project.with_column(column) == everywhere
    recorded = [project.recorded_in(schema) for schema in sorted(everywhere)]
    assert all(one == recorded[0] and "shop.0004_more" in one for one in recorded)
    assert {schema for (schema,) in project.query(INDEXED)} == everywhere
    # What the release that is still running writes has the default, of which each schema's ledger knows.
    assert {schema for (schema,) in project.query("SELECT schema_name FROM auto_migrate_bridge")} == everywhere
    project.query("; ".join(f"INSERT INTO {schema}.shop_item (id) VALUES (5000)" for schema in everywhere))
    open_steps = "operations_done > 0 OR operation_started IS NOT NULL OR status = 'running'"
    assert project.query(f"SELECT * FROM auto_migrate_step WHERE {open_steps}") == []


@pytest.mark.sampled(40)
@pytest.mark.parametrize("moment", [*MOMENTS[20:], *MOMENTS[:20]])
def test_killed_at_any_moment_the_next_run_ends_right(forty: Tenanted, moment: int) -> None:
    assert forty.killed("auto_migrate", KILL_AT=str(moment), KILL_BY="SIGKILL") == -signal.SIGKILL
    done = forty.run("auto_migrate")
    assert done.code == 0, done.text
    assert_whole(forty)


def test_asked_to_stop_it_ends_between_migrations_and_two_runners_do_the_rest(forty: Tenanted) -> None:
    stopped = forty.run("auto_migrate", KILL_AT="50", KILL_BY="SIGTERM")
    assert stopped.code == 8, stopped.text
    assert "Stopped at a safe place" in stopped.output
    assert 0 < len(forty.with_column()) < 40
    codes: list[int] = []
    others = [threading.Thread(target=lambda: codes.append(forty.run("auto_migrate").code)) for _number in range(2)]
    for other in others:
        other.start()
    for other in others:
        other.join()
    assert codes == [0, 0]
    assert_whole(forty)
