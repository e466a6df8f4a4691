"""`ready/` costs next to nothing while the database is up to date, and is never wrong for longer than a second."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import close_old_connections, connection, connections
from django.db.backends.signals import connection_created
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client

from auto_migrate.events import RunStatus
from auto_migrate.history.store import History
from auto_migrate.planning import fingerprint, state
from auto_migrate.web import health
from tests.integration.web.conftest import BASE
from tests.servers import Proxy
from tests.servers.postgresql import PostgreSQL

pytestmark = pytest.mark.django_db(transaction=True)


class Statements:
    """Every statement of every connection, and every new connection, while the test lasts."""

    def __init__(self) -> None:
        self.sql: list[str] = []
        self.connected = 0
        self._wrapped: list[Any] = []

    def watch(self, wrapper: Any) -> None:
        """Note the statements of one connection."""
        wrapper.execute_wrappers.append(self._note)
        self._wrapped.append(wrapper)

    def close(self) -> None:
        """Watch no more."""
        for wrapper in self._wrapped:
            wrapper.execute_wrappers.remove(self._note)

    def created(self, *, connection: Any, **_: Any) -> None:
        """Note a new connection."""
        self.connected += 1
        if connection not in self._wrapped:
            self.watch(connection)

    def _note(self, execute: Callable[..., Any], sql: str, *arguments: Any) -> Any:
        self.sql.append(sql)
        return execute(sql, *arguments)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(health, "monotonic", lambda: clock.now)
    return clock


class Clock:
    """A time that passes when the test says so."""

    now = 1000.0


@pytest.fixture
def statements() -> Iterator[Statements]:
    statements = Statements()
    connection.ensure_connection()
    statements.watch(connections["default"])
    connection_created.connect(statements.created)
    yield statements
    connection_created.disconnect(statements.created)
    statements.close()


@pytest.fixture
def short_lived(statements: Statements, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Let no connection outlive its request; gives what a server does after each, and the test client does not."""
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", 0)
    connection.close()
    return close_old_connections


def ready() -> int:
    return Client().get(f"{BASE}/ready/").status_code


def record(*, applied: bool) -> None:
    recorder = MigrationRecorder(connection)
    (recorder.record_applied if applied else recorder.record_unapplied)("sessions", "0001_initial")


def test_it_asks_once_a_second_however_often_it_is_asked(clock: Clock, statements: Statements) -> None:
    assert ready() == 200
    statements.sql.clear()
    for tick in range(30):
        clock.now = 2000 + tick / 10
        assert ready() == 200
    assert len(statements.sql) == 3
    assert all("django_migrations" in sql for sql in statements.sql)


def test_it_asks_no_more_than_once_a_second_in_many_threads(
    clock: Clock, statements: Statements, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def counted(alias: str) -> state.QuickState:
        asked.append(alias)
        return state.quick_state(alias)

    monkeypatch.setattr(health, "quick_state", counted)
    together = threading.Barrier(8)

    def probe(_number: int) -> list[int]:
        together.wait(30)
        try:
            return [ready() for _ in range(25)]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as threads:
        assert {status for answers in threads.map(probe, range(8)) for status in answers} == {200}
    assert asked == ["default"]


def test_bad_news_is_at_most_a_second_late(clock: Clock) -> None:
    assert ready() == 200
    record(applied=False)
    try:
        clock.now += 0.999
        assert ready() == 200
        clock.now += 0.001
        assert ready() == 503
    finally:
        record(applied=True)


def test_an_answer_is_as_old_as_its_question(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(alias: str) -> state.QuickState:
        found = state.quick_state(alias)
        clock.now += 0.9
        return found

    monkeypatch.setattr(health, "quick_state", slow)
    assert ready() == 200
    record(applied=False)
    try:
        clock.now += 0.1
        assert ready() == 503
    finally:
        record(applied=True)


def test_bad_news_is_not_kept(clock: Clock) -> None:
    record(applied=False)
    try:
        assert ready() == 503
    finally:
        record(applied=True)
    assert ready() == 200


def test_it_asks_one_cheap_question_each_time_while_behind(clock: Clock, statements: Statements) -> None:
    record(applied=False)
    try:
        assert ready() == 503
        statements.sql.clear()
        assert (ready(), ready()) == (503, 503)
        assert len(statements.sql) == 2
        assert all("django_migrations" in sql for sql in statements.sql)
    finally:
        record(applied=True)


def test_no_probe_needs_a_new_connection_where_connections_do_not_last(
    clock: Clock, statements: Statements, short_lived: Callable[[], None]
) -> None:
    for _ in range(6):
        clock.now += 10
        assert ready() == 200
        short_lived()
    assert statements.connected == 2, "the one that was not expected to be closed, and the one that is kept"
    assert connection.connection is None


def test_the_kept_connection_serves_every_thread(
    clock: Clock, statements: Statements, short_lived: Callable[[], None]
) -> None:
    def probe(_number: int) -> int:
        clock.now += 10
        try:
            return ready()
        finally:
            connections.close_all()

    for number in range(6):
        with ThreadPoolExecutor(1) as thread:
            assert list(thread.map(probe, [number])) == [200]
    assert statements.connected == 2


def test_a_kept_connection_that_was_cut_is_made_anew(
    clock: Clock, statements: Statements, short_lived: Callable[[], None], postgresql: PostgreSQL
) -> None:
    for _ in range(3):
        clock.now += 10
        assert ready() == 200
        short_lived()
    name = connection.settings_dict["NAME"]
    postgresql.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()", [name]
    )
    clock.now += 10
    assert ready() == 200


def test_a_kept_connection_that_hangs_does_not_hang_the_probe(
    clock: Clock, elsewhere: dict[str, Any], postgresql: PostgreSQL, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere["CONN_MAX_AGE"] = 0
    with Proxy(postgresql) as proxy:
        elsewhere["PORT"] = proxy.port
        for _ in range(3):
            clock.now += 10
            assert ready() == 200
            close_old_connections()
        proxy.freeze()
        monkeypatch.setattr(health, "BUDGET", 0.05)
        clock.now += 10
        assert (ready(), ready()) == (503, 503)
        [hung] = [thread for thread in threading.enumerate() if thread.name.startswith("auto_migrate")]
        proxy.thaw()
        hung.join()
        monkeypatch.undo()
        assert ready() == 200
        assert proxy.connections == 1
        health.forget()


def test_a_database_that_is_known_is_not_compared(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a fingerprint in the history, not even the files are loaded."""
    state.needs.cache_clear()
    state._answers.clear()
    code = fingerprint.code_of_process("default")
    assert code is not None
    history = History()
    run_id = history.enqueue("a test").id
    history.finish(
        run_id, RunStatus.SUCCEEDED, exit_code=0, fingerprint=code.fingerprint(state.recorded_rows(connection))
    )
    assert ready() == 200
    assert state.needs.cache_info().currsize == 0
