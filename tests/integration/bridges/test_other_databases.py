"""MariaDB, where each statement commits by itself, has bridges but the trigger; SQLite has none, and says so."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.sweep import points_in
from tests.integration.bridges.conftest import FIRST, NEW, OLD, SECOND
from tests.integration.bridges.releases import AT_ONCE, PHASED, Release, releases
from tests.integration.bridges.test_phases import FIRST as FULL
from tests.integration.bridges.test_phases import NEW as LESS
from tests.integration.bridges.test_phases import NEW_WRITES, OLD_WRITES, PLAN
from tests.integration.bridges.test_phases import OLD as MORE
from tests.servers import MariaDB

ASK = """
import json
from django.db import connection
cursor = connection.cursor()
cursor.execute({statement!r})
print("rows", json.dumps(cursor.fetchall() if cursor.description else []))
"""
TOUCHES = re.compile(r"(ALTER TABLE `shop_order`|(INSERT INTO|UPDATE) `auto_migrate_(bridge|step)`)")
STANDING = "SELECT kind, column_name, definition FROM auto_migrate_bridge ORDER BY id"
DEFAULT = (
    "SELECT column_default FROM information_schema.columns"
    " WHERE table_schema = DATABASE() AND table_name = 'shop_order' AND column_name = 'place'"
)
WRITE = 'order = Order.objects.create(note="a")\norder.save()\norder.delete()'


def ask(release: Release, statement: str) -> list[Any]:
    """Ask the database by way of Django."""
    return list(json.loads(release.code(ASK.format(statement=statement)).partition("rows ")[2]))


@pytest.fixture
def mariadb_shop(tmp_path: Path, mariadb_url: str) -> Iterator[tuple[Release, Release]]:
    """Return the running release and the next."""
    with releases(
        Release(tmp_path / "1", mariadb_url, OLD, FIRST), Release(tmp_path / "2", mariadb_url, NEW, SECOND)
    ) as (old, new):
        old.migrated("v1")
        old.code(WRITE)
        yield old, new


def test_on_mariadb_the_default_stays_and_goes(mariadb_shop: tuple[Release, Release]) -> None:
    old, new = mariadb_shop
    new.migrated("v2")
    assert ask(new, STANDING) == [["default", "place", "7"]]
    old.code(WRITE)
    new.migrated("v3", **AT_ONCE)
    assert (ask(new, STANDING), ask(new, DEFAULT)) == ([], [[None]])


def test_on_mariadb_it_is_taken_along(tmp_path: Path, mariadb_shop: tuple[Release, Release]) -> None:
    old, _new = mariadb_shop
    changes = [
        'migrations.AlterField("Order", "place", models.BigIntegerField(default=8))',
        'migrations.RenameField("Order", "place", "shelf")',
        'migrations.AlterModelTable("Order", "orders")',
        'migrations.AlterModelTable("Order", "shop_order")',
    ]
    plan = {**SECOND, "0003_changed": ", ".join(changes)}
    with releases(Release(tmp_path / "3", old.url, OLD, plan)) as (new,):
        new.migrated("v2", AUTO_MIGRATE_BLOCK="never")
        assert ask(new, STANDING) == [["default", "shelf", "8"]]
        old.code(WRITE)
        new.migrated("v2", "--phase", "post_deploy")
        assert (ask(new, STANDING), ask(new, DEFAULT.replace("place", "shelf"))) == ([], [[None]])


def test_on_mariadb_what_is_forgotten_is_loosened(tmp_path: Path, mariadb_url: str) -> None:
    with releases(
        Release(tmp_path / "1", mariadb_url, MORE, {"0001_initial": FULL}),
        Release(tmp_path / "2", mariadb_url, LESS, PLAN),
    ) as (old, new):
        old.migrated("v1", **PHASED)
        new.migrated("v2", **PHASED)
        old.code(OLD_WRITES.format(delete=True))
        new.code(NEW_WRITES)
        new.migrated("v2", "--phase", "post_deploy", **PHASED)
        assert ask(new, STANDING) == []
        new.code(NEW_WRITES)


def test_on_sqlite_there_is_none(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/db.sqlite3"
    with releases(Release(tmp_path / "1", url, OLD, FIRST), Release(tmp_path / "2", url, NEW, SECOND)) as (old, new):
        old.migrated("v1")
        told = new.migrated("v2", "--plan")
        assert "No bridge can serve it: this database can be given none." in " ".join(told.split())
        new.migrated("v2")
        assert new.get("health")["migrations"]["bridges"] == []


def test_killed_on_mariadb_no_default_stands_that_nobody_knows(
    mariadb: MariaDB, mariadb_shop: tuple[Release, Release]
) -> None:
    old, new = mariadb_shop
    counted = new.migrated("v2", COUNT_TO="/dev/stdout")
    places = [point.place for point in points_in(counted) if point.side == "after" and TOUCHES.match(point.statement)]
    assert len(places) > 3
    for number, place in enumerate(places if "SWEEP" in os.environ else places[1::2]):
        url = mariadb.create_database(f"bridged_{number}")
        old.on(url).migrated("v1")
        killed = new.on(url).start("auto_migrate", AUTO_MIGRATE_RELEASE="v2", KILL_AT=place)
        assert killed.wait() == -signal.SIGKILL, killed.output
        old.on(url).code(WRITE)
        new.on(url).migrated("v2")
        assert ask(new.on(url), STANDING) == [["default", "place", "7"]]
        old.on(url).code(WRITE)
        mariadb.drop_database(f"bridged_{number}")
