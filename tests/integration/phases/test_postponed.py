"""What was left for after the deploy is applied by itself, once the deploy is over and not before."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator

import psycopg
import pytest

from auto_migrate.databases.postgresql.deploy_lock import LOCK_KEY
from tests.e2e.scripts import read_until
from tests.integration.phases.shop import APPLY, AT_ONCE, FIRST, SECOND, THIRD, Migration, Release, Shop
from tests.programs import start
from tests.servers import Redis

FAILING = 'migrations.RunSQL("SELECT 1 / 0", "SELECT 1"), migrations.RemoveField("Order", "note")'
CELERY = """
from celery import Celery

app = Celery("shop", broker="{broker}")
app.conf.beat_schedule = {{"post-deploy": {{"task": "auto_migrate.tasks.run_post_deploy", "schedule": 0.5}}}}
app.conf.imports = ["auto_migrate.tasks"]
"""


@pytest.fixture
def deployed(open_shop: Shop) -> Release:
    """Return the release whose pre_deploy run has just succeeded."""
    v2 = open_shop.release("v2", SECOND)
    v2.migrated()
    return v2


def age(shop: Shop, seconds: int) -> None:
    """Let the runs have ended so long ago."""
    shop.query(f"UPDATE auto_migrate_run SET finished_at = finished_at - interval '{seconds} s'")


def test_it_waits_for_the_delay_and_then_applies_what_was_left(open_shop: Shop, deployed: Release) -> None:
    assert "of POST_DEPLOY_DELAY have to pass." in deployed.python(APPLY)
    age(open_shop, 450)
    assert "of POST_DEPLOY_DELAY have to pass." in deployed.python(APPLY)
    age(open_shop, 451)
    assert deployed.python(APPLY) == "applied 1\n"
    assert open_shop.recorded() == list(SECOND)
    assert open_shop.runs()[-1] == ("post_deploy", "v2", "succeeded", None)
    assert deployed.python(APPLY) == "applied None\n"


def test_it_does_nothing_where_phases_are_off(open_shop: Shop, deployed: Release) -> None:
    assert deployed.python(APPLY, AUTO_MIGRATE_PHASES="false", **AT_ONCE) == "applied None\n"
    assert open_shop.recorded() == ["0001_initial", "0002_colour"]


def test_it_waits_while_another_release_is_connected(open_shop: Shop, deployed: Release) -> None:
    with psycopg.connect(open_shop.url, application_name="web release=v1"):
        assert "Clients of another release are connected: web release=v1" in deployed.python(APPLY, **AT_ONCE)
    assert deployed.python(APPLY, **AT_ONCE) == "applied 1\n"


def test_it_waits_where_the_release_is_not_known(deployed: Release) -> None:
    assert "Set AUTO_MIGRATE['RELEASE']" in deployed.python(APPLY, AUTO_MIGRATE_RELEASE="", **AT_ONCE)


def test_a_process_of_the_release_before_leaves_it_to_the_new_one(open_shop: Shop, deployed: Release) -> None:
    old = open_shop.release("v1b", SECOND)
    assert "The last release step was that of v2, and this process is of v1b." in old.python(APPLY, **AT_ONCE)


def test_a_refused_step_of_the_next_release_does_not_hold_it_up(open_shop: Shop, deployed: Release) -> None:
    assert open_shop.release("v3", THIRD).run("auto_migrate").returncode == 6
    assert deployed.python(APPLY, **AT_ONCE) == "applied 1\n"


def test_it_waits_while_somebody_migrates(open_shop: Shop, deployed: Release) -> None:
    with psycopg.connect(open_shop.url, application_name="auto_migrate web-3:41 6f1d2c3b") as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK_KEY])
        assert "holds the deploy lock" in deployed.python(APPLY, **AT_ONCE)


def test_what_failed_is_left_to_a_person(open_shop: Shop) -> None:
    broken = {**FIRST, "0002_drop_note": Migration(FAILING, "0001_initial", 'phase = "post_deploy"')}
    v2 = open_shop.release("v2", broken)
    v2.migrated()
    done = v2.run("shell", "--no-imports", "-c", APPLY, **AT_ONCE)
    assert "MigrationFailed" in done.stderr
    for _ in range(2):
        assert "Look at it, then: manage.py auto_migrate --phase post_deploy" in v2.python(APPLY, **AT_ONCE)
    assert [run[0] for run in open_shop.runs()].count("post_deploy") == 1


def test_by_hand_it_is_applied_with_a_warning(open_shop: Shop, deployed: Release) -> None:
    with psycopg.connect(open_shop.url, application_name="web release=v1"):
        assert "Other releases may still be at work: web release=v1" in deployed.migrated("--phase", "post_deploy")
    assert open_shop.recorded() == list(SECOND)


@contextlib.contextmanager
def worker(release: Release, broker: Redis) -> Iterator[subprocess.Popen[str]]:
    """Run a worker of the shop with beat in it."""
    (release.folder / "shop" / "celery.py").write_text(CELERY.format(broker=broker.url()))
    schedule = release.folder / "schedule"
    with start(
        [sys.executable, "-m", "celery", "-A", "shop.celery", "worker", "-B", "-s", schedule, "-l", "info", "-c", "1"],
        cwd=release.folder,
        env=release.environment(**AT_ONCE),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


def test_beat_applies_it_when_the_old_release_has_gone(open_shop: Shop, deployed: Release) -> None:
    with (
        Redis() as broker,
        psycopg.connect(open_shop.url, application_name="web release=v1") as old,
        worker(deployed, broker) as process,
    ):
        read_until(process, "Clients of another release are connected: web release=v1")
        assert open_shop.recorded() == ["0001_initial", "0002_colour"]
        old.close()
        while open_shop.recorded() != list(SECOND):
            read_until(process, "succeeded")
    assert open_shop.runs()[-1] == ("post_deploy", "v2", "succeeded", None)
