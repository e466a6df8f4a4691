"""`ready/` costs next to nothing while the database is up to date, and is never wrong for longer than a second."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NoReturn

import pytest
from django.db import close_old_connections, connection, connections
from django.db.backends.signals import connection_created
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client

from auto_migrate.exceptions import DatabaseUnreachable
from auto_migrate.history.store import History
from auto_migrate.planning import fingerprint
from auto_migrate.planning import schema_state as state
from auto_migrate.values import RunStatus
from auto_migrate.web import health, single_flight
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


class SlowDatabase:
    """A database whose first answer is under way until the test lets it come; the others come at once."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.asked: list[float] = []
        self.fails_first = False
        self._under_way, self._arrives, self._joined = threading.Event(), threading.Event(), threading.Semaphore(0)
        self._busy = threading.Lock()

    def look(self, alias: str) -> state.QuickState:
        """Look as ever, hold the first answer back, and let no two looks overlap."""
        assert self._busy.acquire(blocking=False), "two questions at once"
        try:
            self.asked.append(self.clock.now)
            found = state.quick_state(alias)
            if len(self.asked) > 1:
                return found
            self._under_way.set()
            assert self._arrives.wait(60)
            if self.fails_first:
                raise DatabaseUnreachable("It was away.")
            return found
        finally:
            self._busy.release()

    def begin(self, *arguments: Any) -> Future[Any]:
        """Note that somebody waits."""
        future = single_flight.begin(*arguments)
        self._joined.release()
        return future

    def first_asked(self) -> None:
        """Return when the first question is under way."""
        assert self._under_way.wait(60)
        assert self._joined.acquire(timeout=60)

    def first_answers(self, *, waiting: int) -> None:
        """Let the first answer come when so many more wait, and have waited for a moment."""
        for _ in range(waiting):
            assert self._joined.acquire(timeout=60)
        self.clock.now += 0.5
        self._arrives.set()


@pytest.fixture
def slow(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> SlowDatabase:
    slow = SlowDatabase(clock)
    monkeypatch.setattr(health, "looked", slow.look)
    monkeypatch.setattr(health, "single_flight", slow)
    # The clock stands still: give up when the test does.
    monkeypatch.setattr(health, "BUDGET", 60.0)
    return slow


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


def ready_and_gone() -> int:
    """Probe in a thread, which leaves no connection behind."""
    try:
        return ready()
    finally:
        connections.close_all()


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

    monkeypatch.setattr(health, "looked", counted)
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

    monkeypatch.setattr(health, "looked", slow)
    assert ready() == 200
    record(applied=False)
    try:
        clock.now += 0.1
        assert ready() == 503
    finally:
        record(applied=True)


@pytest.mark.parametrize(("later", "status", "questions"), [(0.999, 200, 1), (1.0, 503, 2)])
def test_a_question_under_way_answers_only_who_came_within_a_second(
    slow: SlowDatabase, clock: Clock, later: float, status: int, questions: int
) -> None:
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(ready_and_gone)
        slow.first_asked()
        record(applied=False)
        try:
            clock.now += later
            second = threads.submit(ready_and_gone)
            slow.first_answers(waiting=1)
            assert (first.result(), second.result()) == (200, status)
        finally:
            record(applied=True)
    assert len(slow.asked) == questions


@pytest.mark.parametrize("applied", [True, False], ids=["good", "bad"])
def test_those_who_came_too_late_for_a_question_share_the_next(slow: SlowDatabase, clock: Clock, applied: bool) -> None:
    with ThreadPoolExecutor(9) as threads:
        first = threads.submit(ready_and_gone)
        slow.first_asked()
        record(applied=applied)
        try:
            clock.now += 1
            others = [threads.submit(ready_and_gone) for _ in range(8)]
            slow.first_answers(waiting=8)
            assert first.result() == 200
            assert {other.result() for other in others} == {200 if applied else 503}
        finally:
            record(applied=True)
    assert slow.asked == [1000, 1001.5]


def test_those_who_came_too_late_for_a_question_do_not_share_its_failure(slow: SlowDatabase, clock: Clock) -> None:
    slow.fails_first = True
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(ready_and_gone)
        slow.first_asked()
        clock.now += 1
        second = threads.submit(ready_and_gone)
        slow.first_answers(waiting=1)
        assert (first.result(), second.result()) == (503, 200)


def test_the_connection_of_who_gave_up_is_not_used_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even where the thread that was to ask comes to run only then."""
    begun: list[Callable[[], Any]] = []
    used: list[Any] = []

    class Late:
        @staticmethod
        def begin(_key: object, call: Callable[[], Any]) -> Future[Any]:
            begun.append(call)
            return Future()

        @staticmethod
        def abandon(_key: object, _future: object) -> None:
            pass

    def noted(alias: str) -> state.QuickState:
        used.append(connections[alias])
        return state.quick_state(alias)

    monkeypatch.setattr(health, "single_flight", Late)
    monkeypatch.setattr(health, "BUDGET", 0.0)
    monkeypatch.setattr(health, "looked", noted)
    own = connections["default"]
    assert ready() == 503
    with ThreadPoolExecutor(1) as threads:
        threads.submit(begun[0]).result()
    assert connections["default"] is own
    assert len(used) == 1
    assert used[0] is not own
    assert used[0].connection is None, "nobody else would close it"


def probe_and_exit() -> NoReturn:
    """Exit with 0 if the service is ready, whatever pytest would do with this process."""
    try:
        os._exit(0 if ready() == 200 else 1)
    except BaseException:  # noqa: BLE001 # nothing may leave this process
        os._exit(2)


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_process_that_is_forked_asks_for_itself(slow: SlowDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(ready_and_gone)
        slow.first_asked()
        # Neither process may use a connection of the other.
        connection.close()
        pid = os.fork()
        if pid == 0:
            monkeypatch.undo()
            monkeypatch.setattr(health, "BUDGET", 10.0)
            probe_and_exit()
        status = os.waitpid(pid, 0)[1]
        slow.first_answers(waiting=0)
        assert first.result() == 200
    assert status == 0


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
        hung = [thread for thread in threading.enumerate() if thread.name.startswith("auto_migrate")]
        assert len(hung) <= single_flight.LIMIT
        proxy.thaw()
        for thread in hung:
            thread.join()
        monkeypatch.undo()
        assert ready() == 200
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
        run_id, RunStatus.SUCCEEDED, exit_code=0, fingerprint=str(code.fingerprint(state.recorded_rows(connection)))
    )
    assert ready() == 200
    assert state.needs.cache_info().currsize == 0
