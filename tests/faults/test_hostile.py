"""Migrations that end their process, thread, transaction, connection or session in every way one can think of.

Whatever they do, what is said of them, what is recorded and what is there agree, and the next run takes up from there.
`make test` takes a sample of them, `make sweep` all.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.faults.hostile import APPS, QUIET, SETTINGS, Stage, on_postgresql, on_sqlite, problem
from tests.forks import Nursery
from tests.projects.hostile.bodies import PYTHON, SQL
from tests.servers import PostgreSQL

STAGES = 2
# What another database has no words for.
SQLITE = ("COMMIT", "END", "ROLLBACK", "BEGIN")
# What is said in the words of PostgreSQL, or needs a second writer.
POSTGRESQL = ("deferred violation", "nested migrate", "thread with connection", "cancels itself", "ends all others")
WHOLE = "SWEEP" in os.environ
# Every how many cases a sample is taken; no multiple of it is the number of bodies, so the apps get different ones.
STEP = 1 if WHOLE else 13
CASES = [(app, body) for app in APPS for body in (*PYTHON, *SQL)]


@pytest.fixture(scope="module")
def stages(postgresql: PostgreSQL) -> Iterator[list[Stage]]:
    """Return databases in which a case each can be tried at a time."""
    names = [f"hostile_{number}" for number in range(STAGES)]
    with contextlib.ExitStack() as stack:
        yield [
            stack.enter_context(
                on_postgresql(
                    stack.enter_context(Nursery(SETTINGS, postgresql.url(), QUIET)), postgresql.create_database(name)
                )
            )
            for name in names
        ]
    for name in names:
        postgresql.drop_database(name)


def problems(stages: list[Stage], cases: list[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Try all cases, shared out among the stages, and return what is wrong with which."""

    def share(number: int) -> dict[tuple[str, str], str]:
        mine = cases[number :: len(stages)]
        return {case: wrong for case in mine if (wrong := problem(stages[number], *case))}

    with ThreadPoolExecutor(len(stages)) as threads:
        return {case: wrong for found in threads.map(share, range(len(stages))) for case, wrong in found.items()}


@pytest.mark.timeout(1200)
def test_what_is_said_recorded_and_there_agrees_whatever_a_migration_does(stages: list[Stage]) -> None:
    assert problems(stages, CASES[::STEP]) == {}


@pytest.mark.parametrize(("body", "told"), [("own exception", ""), ("COMMIT", "COMMIT")])
def test_only_a_statement_of_the_operation_itself_is_told_as_its_last(
    stages: list[Stage], body: str, told: str
) -> None:
    stages[0].reset("firm")
    output = stages[0].run("firm", body).output
    assert re.findall("Last statement: (.*)", output) == ([told] if told else [])


@pytest.mark.parametrize("app", APPS)
def test_a_block_that_is_not_left_keeps_nothing_and_does_not_pass_for_done(stages: list[Stage], app: str) -> None:
    stages[0].reset(app)
    found = stages[0].run(app, "unclosed")
    assert (found.code, found.run, found.step, found.recorded) == (1, "failed", "failed", False), found.output


def test_nor_does_it_pass_for_done_under_djangos_own_command(stages: list[Stage]) -> None:
    stages[0].reset("firm")
    found = stages[0].run("firm", "unclosed", "migrate", "firm")
    assert (found.code, found.run, found.recorded) == (1, "failed", False), found.output


@pytest.mark.parametrize("body", ["raises after commit", "database error after commit"])
def test_what_was_put_off_until_the_commit_is_told_apart_from_the_migration(stages: list[Stage], body: str) -> None:
    stages[0].reset("firm")
    found = stages[0].run("firm", body)
    assert (found.code, found.run, found.step, found.recorded) == (1, "failed", "applied", True), found.output
    assert "put off until its commit" in found.output
    again = stages[0].run("firm", "")
    assert (again.code, again.words) == (0, ["before", "after"]), again.output


def test_what_was_cut_outside_of_a_transaction_is_told_with_what_answers_it_however_it_ended(
    stages: list[Stage],
) -> None:
    stages[0].reset("loose")
    found = stages[0].run("loose", "exit")
    assert found.code == 1
    assert [command[-1] for command in found.commands] == [f"loose.0002_body:3={word}" for word in ("done", "redo")]


@pytest.mark.parametrize(("app", "body"), [("firm", "os._exit"), ("loose", "dies after commit")])
def test_a_process_that_ends_itself_does_not_pass_for_one_that_did_its_work(
    stages: list[Stage], app: str, body: str
) -> None:
    stages[0].reset(app)
    found = stages[0].run(app, body)
    assert (found.code, found.run) == (1, "running")
    assert "The run was ended from within: os._exit(0)." in found.output


@pytest.mark.timeout(60)
@pytest.mark.parametrize("body", ["connects", "forgets alias"])
def test_a_connection_that_the_migration_has_left_is_waited_for_by_nobody(stages: list[Stage], body: str) -> None:
    assert problem(stages[0], "firm", body) == ""


@pytest.mark.parametrize("signal", ["pre_migrate", "post_migrate"])
@pytest.mark.parametrize(
    ("command", "body"),
    [
        *(("auto_migrate", body) for body in ("exit", "own exception", "interrupted", "generator exit")),
        *(("migrate", body) for body in ("exit", "own exception")),
    ],
)
def test_whatever_ends_a_receiver_is_a_failed_run(stages: list[Stage], signal: str, body: str, command: str) -> None:
    stages[0].reset("firm")
    found = stages[0].run("firm", "", command, "firm", RECEIVER=f"{signal}:{body}")
    assert (found.code, found.run) == (1, "failed"), found.output
    assert found.recorded is (signal == "post_migrate")
    assert found.step in ({"applied"} if found.recorded else {"", "pending"})


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_an_error_that_the_encoding_of_the_database_cannot_hold_is_recorded_in_signs_that_it_can(
    postgresql: PostgreSQL, stages: list[Stage], encoding: str
) -> None:
    name = f"hostile_{encoding.lower()}"
    postgresql.execute(f"CREATE DATABASE {name} ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    with on_postgresql(stages[0].nursery, postgresql.url(name)) as stage:
        found = stage.run("firm", "foreign text")
        assert (found.code, found.run, found.step) == (1, "failed", "failed"), found.output
        assert "Gone" in stage.ask("SELECT error FROM auto_migrate_run ORDER BY requested_at DESC")[0][0]
    postgresql.drop_database(name)


@pytest.mark.timeout(300)
def test_it_agrees_on_sqlite_too(tmp_path: Path) -> None:
    cases = [
        (app, body) for app in APPS for body in (*PYTHON, *SQLITE) if "session" not in body and body not in POSTGRESQL
    ]
    with contextlib.ExitStack() as stack:
        url = f"sqlite:///{tmp_path}/none.sqlite3"
        stages = [
            stack.enter_context(
                on_sqlite(stack.enter_context(Nursery(SETTINGS, url, QUIET)), tmp_path / f"{number}.sqlite3")
            )
            for number in range(STAGES)
        ]
        assert problems(stages, cases[:: 1 if WHOLE else 17]) == {}
