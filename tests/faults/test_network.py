"""A network that swallows what is sent for some seconds: the run begins anew, and ends in the right database.

`make test` takes a few places, all at the same time; `make sweep` takes twenty, and ten seconds at each.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.faults.sweep import SETTINGS, Clone, Point, Sweep
from tests.manage import start_manage
from tests.runners import Deploy
from tests.servers import PostgreSQL, Proxy
from tests.snapshot import snapshot
from tools.servers import wait_until

WHOLE = "SWEEP" in os.environ
PLACES = 20 if WHOLE else 4
SECONDS = 10.0 if WHOLE else 3.0
TOGETHER = 4
# From when the network is back.
END = 60.0


@pytest.fixture(scope="module")
def sweep(postgresql: PostgreSQL) -> Iterator[Sweep]:
    """Return the points of an undisturbed run and what it leaves."""
    with Sweep(postgresql, "auto_migrate") as sweep, sweep.beginning_after("auth"):
        yield sweep.measure()


def failure(sweep: Sweep, point: Point) -> str:
    """Let the network swallow everything from a point on, and say what is wrong afterwards, or nothing."""
    with Clone(sweep.server, sweep.template) as name, Proxy(sweep.server) as proxy:
        deploy = Deploy(sweep.nursery, proxy.url(sweep.server.url(name)))
        runner = deploy.stop(point)
        proxy.swallow()
        runner.kill(signal.SIGCONT)
        time.sleep(SECONDS)
        proxy.restore()
        restored = time.monotonic()
        while runner.poll() is None:
            if time.monotonic() - restored > END:
                runner.kill()
                return f"{point}: it still runs.\n{runner.output}"
            time.sleep(0.2)
        if runner.returncode:
            return f"{point}: it ends with {runner.returncode}.\n{runner.output}"
        difference = snapshot(sweep.server, name).difference(sweep.wanted)
        return f"{point}: {difference}\n{runner.output}" if difference else ""


def spread(points: Sequence[Point], count: int) -> list[Point]:
    """Return so many points at even distances."""
    return [points[(2 * number + 1) * len(points) // (2 * count)] for number in range(count)]


@pytest.mark.timeout(1200)
def test_a_run_of_which_the_network_swallows_something_ends_in_the_right_database(sweep: Sweep) -> None:
    # Without the operator nobody knows whether what was cut outside of a transaction was done.
    points = [point for point in sweep.points if not point.migration.startswith(("shop.0005", "shop.0006"))]
    with ThreadPoolExecutor(TOGETHER) as threads:
        found = threads.map(lambda point: failure(sweep, point), spread(points, PLACES))
        assert not [text for text in found if text]


# -- a host that vanishes ---------------------------------------------------------------------------------------------

HERE, THERE = "10.211.7.1", "10.211.7.2"
HELD = "SELECT count(*) FROM pg_locks WHERE granted AND (locktype = 'advisory' OR mode = 'AccessExclusiveLock')"


def ip(*arguments: str) -> None:
    """Set up the network of this machine."""
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


@pytest.fixture
def other_host() -> Iterator[str]:
    """Return a network namespace that is reached over a cable of its own."""
    name = f"host{uuid.uuid4().hex[:6]}"
    try:
        ip("netns", "add", name)
        ip("link", "add", f"{name}a", "type", "veth", "peer", "name", f"{name}b", "netns", name)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no network namespace can be made: run as root, with iproute2")
    ip("addr", "add", f"{HERE}/24", "dev", f"{name}a")
    ip("link", "set", f"{name}a", "up")
    ip("-n", name, "addr", "add", f"{THERE}/24", "dev", f"{name}b")
    ip("-n", name, "link", "set", f"{name}b", "up")
    yield name
    ip("netns", "del", name)


@pytest.mark.skipif(not WHOLE, reason="takes the half minute that it proves: make sweep")
def test_a_host_that_vanishes_in_a_migration_leaves_no_lock_for_longer_than_a_minute(
    other_host: str, sweep: Sweep
) -> None:
    server = PostgreSQL(listen_addresses=f"127.0.0.1,{HERE}")
    with server:
        with (server.data / "pg_hba.conf").open("a") as hba:
            hba.write(f"host all all {THERE}/32 scram-sha-256\n")
        server.execute("SELECT pg_reload_conf()")
        url = server.create_database("vanished")
        Deploy(sweep.nursery, url).run("auth")
        point = next(p for p in sweep.points if p.side == "after" and p.statement.startswith("ALTER TABLE"))
        runner = start_manage(
            "auto_migrate",
            database_url=url.replace("127.0.0.1", HERE),
            env={"STOP_AT": point.place},
            settings=SETTINGS,
            prefix=["ip", "netns", "exec", other_host],
        )
        with runner:
            try:
                stat = Path(f"/proc/{runner.pid}/stat")
                wait_until(
                    lambda: stat.read_text().rpartition(")")[2].split()[0] == "T", timeout=60, message=lambda: "no stop"
                )
                assert server.execute(HELD, database="vanished")[0][0] >= 3
                ip("-n", other_host, "link", "set", f"{other_host}b", "down")
                wait_until(
                    lambda: server.execute(HELD, database="vanished")[0][0] == 0,
                    timeout=60,
                    message=lambda: str(server.execute("SELECT state, query FROM pg_stat_activity")),
                )
            finally:
                runner.kill()
                runner.communicate()
