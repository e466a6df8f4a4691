"""What the next run makes of operations that were cut outside of any transaction."""

from __future__ import annotations

import re
import shlex

import psycopg
import pytest

from tests.faults.sweep import Point
from tests.forks import Nursery
from tests.runners import Deploy, the_point
from tests.servers import PostgreSQL

VALID = "SELECT indisvalid AND indisready FROM pg_index WHERE indexrelid = to_regclass(%(name)s)"
INVALID = "SELECT NOT (indisvalid AND indisready) FROM pg_index WHERE indexrelid = to_regclass('{}')"


@pytest.fixture(scope="module")
def points(nursery: Nursery, postgresql: PostgreSQL) -> list[Point]:
    """Return the points of a run from an empty database to the end."""
    url = postgresql.create_database("measured")
    points = Deploy(nursery, url).points()
    postgresql.drop_database("measured")
    return points


def commands(output: str) -> list[list[str]]:
    """Read the commands that a run tells the operator to choose from, as a shell would."""
    return [shlex.split(found) for found in re.findall(r"manage\.py auto_migrate (--resolve \S+)", output)]


@pytest.fixture
def cut(deploy: Deploy, points: list[Point]) -> Deploy:
    """Return a deploy that was cut after the change of a RunPython, and before anybody could note it."""
    deploy.cut(the_point(points, "after", 'UPDATE "ledger_entry" SET "total"'))
    return deploy


def test_a_cut_python_operation_stops_every_run_and_changes_nothing_until_it_is_settled(cut: Deploy) -> None:
    for _ in range(2):
        output = cut.run(expect=1)
        assert "ledger.0002_total was cut in operation 2" in output
        assert [command[-1] for command in commands(output)] == ["ledger.0002_total:2=done", "ledger.0002_total:2=redo"]
    assert cut.query("SELECT total FROM ledger_entry") == [(1,), (1,)]
    assert cut.recorded() == ["ledger.0001_initial"]


def test_the_printed_command_for_done_leaves_the_operation_as_it_is(cut: Deploy) -> None:
    done, _redo = commands(cut.run(expect=1))
    cut.run(*done)
    assert cut.query("SELECT total FROM ledger_entry") == [(1,), (1,)]
    assert cut.recorded()[1:3] == ["ledger.0002_total", "ledger.0003_value"]
    assert "No migrations to apply" in cut.run()


def test_the_printed_command_for_redo_carries_the_operation_out_once_more(cut: Deploy) -> None:
    _done, redo = commands(cut.run(expect=1))
    cut.run(*redo)
    assert cut.query("SELECT total FROM ledger_entry") == [(2,), (2,)]
    assert cut.recorded()[1:3] == ["ledger.0002_total", "ledger.0003_value"]
    assert "No migrations to apply" in cut.run()


def test_a_resolution_of_what_is_not_pending_is_refused(cut: Deploy) -> None:
    output = cut.run("--resolve", "ledger.0001_initial:1=done", expect=2)
    assert "ledger.0001_initial:1" in output


def test_a_cut_operation_that_is_repeatable_is_carried_out_again_without_a_question(
    deploy: Deploy, points: list[Point]
) -> None:
    deploy.cut(the_point(points, "after", 'UPDATE "ledger_entry" SET "value"'))
    deploy.run()
    assert deploy.query("SELECT value, total FROM ledger_entry") == [(7, 1), (7, 1)]


def leave_invalid(deploy: Deploy, index: str, column: str) -> None:
    """Leave an INVALID index behind as a build does that fails: the rows are not unique."""
    with pytest.raises(psycopg.errors.UniqueViolation):
        deploy.query(f"CREATE UNIQUE INDEX CONCURRENTLY {index} ON ledger_entry ({column})")
    assert deploy.value(VALID, {"name": index}) is False


def test_an_invalid_index_that_if_not_exists_passes_over_is_noticed_and_repaired(deploy: Deploy) -> None:
    deploy.run("ledger", "0003")
    leave_invalid(deploy, "ledger_entry_value", "value")
    output = deploy.run(expect=1)
    assert "ledger_entry_value is INVALID" in output
    assert deploy.recorded()[-1] == "ledger.0003_value"
    (redo,) = commands(output)
    deploy.run(*redo)
    assert deploy.value(VALID, {"name": "ledger_entry_value"})
    assert deploy.recorded()[-1] == "ledger.0006_note"


def test_an_index_that_an_earlier_tool_left_invalid_is_built_anew(deploy: Deploy) -> None:
    deploy.run("ledger", "0004")
    leave_invalid(deploy, "ledger_entry_total", "total")
    deploy.run(expect=1)
    deploy.run()
    assert deploy.value(VALID, {"name": "ledger_entry_total"})


@pytest.mark.parametrize(
    ("before", "index"), [("0003", "ledger_entry_value"), ("0004", "ledger_entry_total")], ids=["sql", "operation"]
)
def test_killed_while_an_index_is_built_the_next_run_ends_with_a_valid_one(
    deploy: Deploy, before: str, index: str
) -> None:
    deploy.run("ledger", before)
    with psycopg.connect(deploy.url) as blocker:
        # A concurrent build waits for every transaction that writes to the table.
        blocker.execute("UPDATE ledger_entry SET value = value")
        runner = deploy.start()
        deploy.await_true(
            "SELECT count(*) = 1 FROM pg_stat_activity WHERE state = 'active' AND wait_event_type = 'Lock'"
            " AND query LIKE 'CREATE INDEX CONCURRENTLY%' AND datname = current_database()",
            runner,
        )
        runner.kill()
        runner.wait()
        deploy.await_true(INVALID.format(index))
    if index == "ledger_entry_value":
        (_done, redo) = commands(deploy.run(expect=1))
        deploy.run(*redo)
    else:
        deploy.run()
    assert deploy.value(VALID, {"name": index})
    assert deploy.recorded()[-1] == "ledger.0006_note"
