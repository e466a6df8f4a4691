"""Killed anywhere while bridges are raised or taken down: the running release never fails, and no bridge is left over.

`make test` takes samples, `make sweep` every statement.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import psycopg
import pytest

from tests.faults.sweep import Clone, Point, Sweep, failures
from tests.forks import Nursery
from tests.servers import PostgreSQL
from tests.snapshot import snapshot

SETTINGS = "tests.projects.bridged.settings"
ENV = {"AUTO_MIGRATE_PHASES": "true", "AUTO_MIGRATE_BLOCK": "never", "AUTO_MIGRATE_RELEASE": "two", "BRIDGED": "two"}
STANDING = "SELECT kind, column_name FROM auto_migrate_bridge ORDER BY 1, 2"
# What each release does all day: the first names all that it knows, NULL included; the second does not know the number.
OLD = """
    INSERT INTO shop_order (note, number, customer_id) VALUES (NULL, 1, 1);
    UPDATE shop_order SET note = NULL, number = 2, customer_id = 1;
    DELETE FROM shop_order
"""
NEW = """
    INSERT INTO shop_order (note, place, shelf) VALUES ('a', 1, 'b');
    UPDATE shop_order SET note = 'b', place = 1, shelf = 'b';
    DELETE FROM shop_order
"""
NOTED = 'UPDATE "auto_migrate_step" SET "operations_done"'
WHOLE = "SWEEP" in os.environ
STEP = 1 if WHOLE else 150


class BridgeSweep(Sweep):
    """Also looks at what stands, and lets a release write after the kill and after the run that comes next."""

    writes = OLD
    standing: tuple[tuple[str, str], ...] = ()

    def measure(self) -> BridgeSweep:
        """Find the points and the right result, bridges included."""
        super().measure()
        with Clone(self.server, self.template) as name:
            self.run(name)
            self.standing = tuple(self.server.execute(STANDING, database=name))
        return self

    def failure(self, point: Point) -> str:
        """Kill a run at the point, run again, and say what is wrong on the way, or nothing."""
        with Clone(self.server, self.template) as name:
            killed = self.run(name, KILL_AT=point.place)
            if killed.returncode != -signal.SIGKILL:
                return f"not killed at all:\n{killed.output}"
            if refused := self.refused(name):
                return f"the release that runs cannot go on: {refused}"
            again = self.run(name)
            if again.returncode != 0:
                return f"the next run ends with {again.returncode}:\n{again.output}"
            if refused := self.refused(name):
                return f"the release that runs cannot go on after the next run: {refused}"
            standing = tuple(self.server.execute(STANDING, database=name))
            if standing != self.standing:
                return f"these stand: {standing}\n{killed.output}{again.output}"
            return snapshot(self.server, name).difference(self.wanted)

    def refused(self, database: str) -> str:
        """Say why the database refuses what the release writes, or nothing."""
        try:
            with psycopg.connect(self.server.url(database)) as connection:
                connection.execute("SET lock_timeout = '5s'")
                connection.execute(self.writes.encode())
        except psycopg.Error as error:
            return str(error)
        return ""


@pytest.fixture(scope="module")
def first(postgresql: PostgreSQL) -> Iterator[str]:
    """Return the name of a database on which the first release is out."""
    with Clone(postgresql, "template1") as name:
        with Nursery(SETTINGS, postgresql.url(name), {**ENV, "BRIDGED": "one"}) as nursery:
            done = nursery.run("auto_migrate", database_url=postgresql.url(name))
            assert done.returncode == 0, done.output
        yield name


@pytest.fixture(scope="module")
def second(postgresql: PostgreSQL, first: str) -> Iterator[str]:
    """Return the name of a database on which the second release is out, and the first still runs."""
    with Clone(postgresql, first) as name:
        with Nursery(SETTINGS, postgresql.url(name), ENV) as nursery:
            done = nursery.run("auto_migrate", database_url=postgresql.url(name))
            assert done.returncode == 0, done.output
        yield name


@pytest.mark.timeout(7200 if WHOLE else 900)
def test_killed_while_it_is_raised_the_running_release_goes_on(postgresql: PostgreSQL, first: str) -> None:
    with BridgeSweep(postgresql, "auto_migrate", env=ENV, template=first, settings=SETTINGS) as sweep:
        points = sweep.measure().points
        kinds = "default", "default", "fill", "foreign_key", "not_null", "not_null"
        assert tuple(kind for kind, _column in sweep.standing) == kinds
        assert failures([sweep], points[::STEP]) == {}


@pytest.mark.timeout(7200 if WHOLE else 900)
def test_killed_while_it_is_taken_down_the_new_release_goes_on(postgresql: PostgreSQL, second: str) -> None:
    command = ("auto_migrate", "--phase", "post_deploy")
    with BridgeSweep(postgresql, *command, env=ENV, template=second, settings=SETTINGS) as sweep:
        sweep.writes = NEW
        points = sweep.measure().points
        assert sweep.standing == ()
        assert failures([sweep], points[::STEP]) == {}


@pytest.mark.timeout(7200 if WHOLE else 900)
@pytest.mark.parametrize("release", ["three", "four"])
def test_killed_while_sql_changes_its_columns_the_bridges_go_along(
    postgresql: PostgreSQL, second: str, release: str
) -> None:
    """The SQL of the fourth release is that of the third, outside of any transaction."""
    env = {**ENV, "BRIDGED": release, "AUTO_MIGRATE_RELEASE": release}
    with BridgeSweep(postgresql, "auto_migrate", env=env, template=second, settings=SETTINGS) as sweep:
        # It leaves out what the releases between do not know by the same names.
        sweep.writes = "INSERT INTO shop_order (number, customer_id) VALUES (1, 1); DELETE FROM shop_order"
        points = sweep.measure().points
        assert {("default", "spot"), ("default", "note"), ("fill", "shelf")} < set(sweep.standing)
        # Where an operation is done and that is not noted yet.
        ends = [point for point in points if point.side == "before" and NOTED in point.statement]
        assert failures([sweep], ends[-1:] if release == "four" and not WHOLE else points[::STEP]) == {}


@pytest.mark.timeout(7200 if WHOLE else 900)
def test_killed_while_it_is_held_back_or_made(postgresql: PostgreSQL, first: str) -> None:
    env = {**ENV, "AUTO_MIGRATE_PHASES": "false", "BRIDGED": "five", "AUTO_MIGRATE_RELEASE": "five"}
    with Clone(postgresql, first) as held:
        with BridgeSweep(postgresql, "auto_migrate", env=env, template=first, settings=SETTINGS) as sweep:
            points = sweep.measure().points
            assert [kind for kind, _column in sweep.standing] == ["held_constraint"] * 2 + ["held_not_null"]
            assert failures([sweep], points[::STEP]) == {}
            sweep.run(held)
        command = ("auto_migrate", "--phase", "post_deploy")
        with BridgeSweep(postgresql, *command, env=env, template=held, settings=SETTINGS) as sweep:
            sweep.writes = OLD.replace("NULL", "'a'").replace("1, 1)", "7, 1)").replace("number = 2", "number = 8")
            points = sweep.measure().points
            assert sweep.standing == ()
            assert failures([sweep], points[::STEP]) == {}
