"""Whoever waits or asks counts what the code needs before it starts, and names what is left for later."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.integration.phases.shop import ADD_SIZE, FIRST, SECOND, Migration, Release, Shop

HEADERS = {"Authorization": "Bearer a-token-that-is-long-enough"}
TOKEN = {"AUTO_MIGRATE_TOKEN": "a-token-that-is-long-enough"}
ASK = """
import json
from django.test import Client
for path in {paths!r}:
    response = Client(headers={headers!r}).get(path)
    print(json.dumps([response.status_code, response.json()]))
"""


def answers(release: Release, *paths: str, **env: str) -> list[Any]:
    """Ask the endpoints of one process one after the other; give the status and content of each answer."""
    printed = release.python(ASK.format(paths=paths, headers=HEADERS), **TOKEN, **env)
    return [json.loads(line) for line in printed.splitlines()]


@pytest.fixture
def deployed(open_shop: Shop) -> Release:
    """Return the release whose pre_deploy run has just succeeded."""
    v2 = open_shop.release("v2", SECOND)
    v2.migrated()
    return v2


def test_code_is_not_ready_before_what_it_needs_is_there(open_shop: Shop) -> None:
    v2 = open_shop.release("v2", SECOND)
    [ready, health] = answers(v2, "/ready/", "/health/")
    assert ready == [503, {"status": "not_ready", "reason": "behind"}]
    assert health[1]["migrations"] == {
        "state": "behind",
        "pending": 1,
        "deferred": ["shop.0003_drop_note"],
        "bridges": [],
    }


def test_code_is_ready_while_something_is_left_for_later(deployed: Release) -> None:
    [ready, health] = answers(deployed, "/ready/", "/health/")
    assert ready == [200, {"status": "ready"}]
    migrations = {"state": "up_to_date", "pending": 0, "deferred": ["shop.0003_drop_note"], "bridges": []}
    assert (health[1]["status"], health[1]["migrations"]) == ("healthy", migrations)


def test_with_phases_off_the_same_record_is_behind(deployed: Release) -> None:
    [ready, health] = answers(deployed, "/ready/", "/health/", AUTO_MIGRATE_PHASES="false")
    assert ready[0] == 503
    assert health[1]["migrations"] == {"state": "behind", "pending": 1, "bridges": []}


def test_a_probe_reads_the_plan_once(deployed: Release) -> None:
    loads = "from django.db.migrations import loader\nfrom auto_migrate.web.health import forget\n"
    count = loads + (
        "from django.test import Client\n"
        "loaded, load = [], loader.MigrationLoader.build_graph\n"
        "def counted(self): loaded.append(1); load(self)\n"
        "loader.MigrationLoader.build_graph = counted\n"
        "for _ in range(3): forget(); assert Client().get('/ready/').status_code == 200\n"
        "print(len(loaded))\n"
    )
    # One graph of the files alone, and one with the record, however often it is asked.
    assert deployed.python(count) == "2\n"


def test_debug_names_what_is_left(deployed: Release) -> None:
    [[status, content]] = answers(deployed, "/debug/")
    assert status == 200
    assert content["databases"]["default"]["migrations"]["deferred"] == ["shop.0003_drop_note"]
    assert [run["phase"] for run in content["databases"]["default"]["runs"]] == ["pre_deploy", "pre_deploy"]


def test_the_page_for_browsers_names_it_too(deployed: Release) -> None:
    page = deployed.python(
        "from django.test import Client\n"
        f"headers = {{**{HEADERS!r}, 'Accept': 'text/html'}}\n"
        "print(Client(headers=headers).get('/debug/').content.decode())",
        **TOKEN,
    )
    assert "Left for after the deploy</h3>" in page
    assert page.index("Left for after the deploy</h3>") < page.rindex("shop.0003_drop_note")


def test_check_asks_for_the_phase_that_is_due(open_shop: Shop) -> None:
    v2 = open_shop.release("v2", SECOND)
    behind = v2.run("auto_migrate", "--check")
    assert behind.returncode == 9
    assert "  shop.0002_colour\n" in behind.stdout
    assert "Left for after the deploy: shop.0003_drop_note" in behind.stdout
    v2.migrated()
    fine = v2.run("auto_migrate", "--check")
    assert fine.returncode == 0
    assert "Left for after the deploy: shop.0003_drop_note" in fine.stdout
    assert v2.run("auto_migrate", "--check", "--phase", "post_deploy").returncode == 9
    assert v2.run("auto_migrate", "--check", "--phase", "all").returncode == 9
    v2.migrated("--phase", "post_deploy")
    assert v2.run("auto_migrate", "--check", "--phase", "all").returncode == 0


def test_workers_start_while_something_is_left_for_later(deployed: Release) -> None:
    assert deployed.run("wait_for_migrations", "--timeout", "0").returncode == 0
    assert deployed.run("wait_for_migrations", "--timeout", "0", AUTO_MIGRATE_PHASES="false").returncode == 9


def test_a_phase_that_does_not_exist_keeps_traffic_away(open_shop: Shop) -> None:
    wrong = {**FIRST, "0002_size": Migration(ADD_SIZE, "0001_initial", 'phase = "postdeploy"')}
    [ready] = answers(open_shop.release("v2", wrong), "/ready/")
    assert ready == [503, {"status": "not_ready", "reason": "behind"}]


def test_the_release_before_stays_ready_throughout(open_shop: Shop, deployed: Release) -> None:
    v1 = open_shop.release("v1-again", FIRST)
    [ready] = answers(v1, "/ready/")
    assert ready[0] == 200
    assert v1.run("auto_migrate").returncode == 0
