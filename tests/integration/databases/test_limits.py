"""No connection waits without an end: for an answer, for somebody's lock, or for a pooler that has nobody to ask."""

from __future__ import annotations

import socket
import threading
import uuid
from collections.abc import Iterator

import psycopg
import pytest
from django.db import DatabaseError, OperationalError, transaction
from pytest_django import DjangoDbBlocker

from auto_migrate import watchdog
from auto_migrate.clock import Clock
from auto_migrate.databases import adapter_for, base, options
from auto_migrate.databases.lock_modes import LockMode
from auto_migrate.databases.mysql.adapter import MySQL
from auto_migrate.databases.options import asking
from auto_migrate.databases.session_waits import PREPARED
from auto_migrate.databases.sockets import bounded
from auto_migrate.emitter import Emitter
from auto_migrate.events import Event, SessionsAwaited
from auto_migrate.exceptions import DatabaseRefused, TransientError
from tests.integration.databases.aliases import alias
from tests.requirements import MYSQLCLIENT, need
from tests.servers import MariaDB, PgBouncer, PostgreSQL, Proxy


@pytest.fixture(autouse=True)
def limits(monkeypatch: pytest.MonkeyPatch, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Wait for a second where the package waits for ten."""
    for module in (base, options):
        monkeypatch.setattr(module, "CONNECT_TIMEOUT", 1)
    with django_db_blocker.unblock():
        yield


@pytest.mark.parametrize("scheme", ["postgresql", "mysql"])
def test_a_server_that_takes_connections_and_says_nothing_is_given_up(scheme: str) -> None:
    if scheme == "mysql":
        need(MYSQLCLIENT)
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        alias("silent", f"{scheme}://shop:secret@127.0.0.1:{silent.getsockname()[1]}/shop") as name,
        pytest.raises(TransientError),
        asking(adapter_for(name)),
    ):
        pass


@pytest.fixture
def paused(database_url: str, pgbouncer: PgBouncer) -> Iterator[str]:
    """Return the URL of a database whose pooler knows it, and lends nobody a connection."""
    name = database_url.rpartition("/")[2]
    psycopg.connect(pgbouncer.url(name)).close()
    with psycopg.connect(pgbouncer.url("pgbouncer"), autocommit=True, cursor_factory=psycopg.ClientCursor) as console:
        console.execute(f"PAUSE {name}".encode())
        yield pgbouncer.url(name)
        console.execute(f"RESUME {name}".encode())


def test_a_pooler_that_is_paused_is_given_up(paused: str) -> None:
    with alias("pooled", paused) as name:
        with pytest.raises(TransientError):
            adapter_for(name).prepare()
        adapter_for(name).discard_connection()
        with pytest.raises(TransientError), asking(adapter_for(name)):
            pass


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"PASSWORD": "not this one"}, "the credentials are refused"),
        ({"USER": "nobody_here"}, "the credentials are refused"),
        ({"NAME": "nowhere"}, "the database does not exist"),
        ({"OPTIONS": {"options": "-c search_path=public"}}, "the connection settings make no sense"),
    ],
)
def test_what_a_pooler_refuses_for_good_is_not_tried_again(
    pgbouncer: PgBouncer, settings: dict[str, object], reason: str
) -> None:
    with alias("pooled", pgbouncer.url(), **settings) as name, pytest.raises(DatabaseRefused, match=reason):
        adapter_for(name).prepare()


def test_a_pooler_that_lends_statement_by_statement_is_refused_for_good(
    database_url: str, postgresql: PostgreSQL
) -> None:
    with (
        PgBouncer(postgresql, pool_mode="statement") as pooler,
        alias("main", pooler.url(database_url.rpartition("/")[2])) as name,
    ):
        adapter_for(name).prepare()
        with pytest.raises(DatabaseRefused, match="single statements") as raised, adapter_for(name).translate_errors():
            transaction.atomic(using=name)(adapter_for(name).version)()
    assert "pool_mode = transaction" in raised.value.hint


def test_a_setting_that_the_server_does_not_know_is_refused_for_good(postgresql: PostgreSQL) -> None:
    unknown = {"OPTIONS": {"options": "-c no_such_setting=1"}}
    with alias("main", postgresql.url(), **unknown) as name, pytest.raises(DatabaseRefused, match="make no sense"):
        adapter_for(name).prepare()


def test_a_database_that_was_made_read_only_is_told_how_it_is_written_to_again(
    database_url: str, postgresql: PostgreSQL
) -> None:
    name = database_url.rpartition("/")[2]
    postgresql.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    with alias("main", database_url) as main, pytest.raises(TransientError) as raised:
        adapter_for(main).prepare()
    assert f"ALTER DATABASE {name} SET default_transaction_read_only = off" in raised.value.advice


def test_a_session_that_is_made_anew_has_the_limits_of_the_run_as_well(database_url: str) -> None:
    with alias("main", database_url) as name, (adapter := adapter_for(name)).guarded(patience=7.0):
        adapter.prepare()
        adapter.discard_connection()
        with adapter.connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('lock_timeout'), current_setting('tcp_keepalives_idle')")
            assert cursor.fetchone() == ("7s", "15")


def test_a_transaction_that_somebody_opens_behind_a_pooler_is_left_to_them(
    database_url: str, pgbouncer: PgBouncer
) -> None:
    with alias("main", pgbouncer.url(database_url.rpartition("/")[2])) as name, adapter_for(name).guarded():
        adapter_for(name).prepare()
        with adapter_for(name).connection.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("CREATE TABLE kept (number int)")
            cursor.execute("INSERT INTO kept VALUES (1)")
            cursor.execute("ROLLBACK")
            cursor.execute("SELECT to_regclass('kept')")
            assert cursor.fetchone() == (None,)


def test_the_same_on_mariadb_where_waits_are_a_day_long_otherwise(maria: MySQL, mariadb: MariaDB) -> None:
    name = maria.address.name
    with maria.guarded(patience=1.0), alias("holder", mariadb.url(name)) as holder:
        adapter_for(holder).connection.cursor().execute("CREATE TABLE kept (id INT)")
        adapter_for(holder).connection.cursor().execute("LOCK TABLES kept WRITE")
        for _session in ("the first", "one that is made anew"):
            with pytest.raises(DatabaseError) as raised, maria.connection.cursor() as cursor:
                cursor.execute("SELECT * FROM kept")
            fault = maria.fault_of(raised.value)
            assert fault is not None
            assert fault.kind.contention
            maria.discard_connection()


@pytest.mark.parametrize(
    ("own", "wanted"), [(None, 10), (3, 3), ("3", "3"), (60, 10), ("60", "10"), (0, 10), ("0", "10")]
)
def test_a_timeout_of_the_projects_own_counts_if_it_is_shorter(own: object, wanted: object) -> None:
    assert bounded({} if own is None else {"connect_timeout": own}, 10) == wanted


def test_a_server_that_stops_answering_in_the_middle_of_a_statement_is_given_up(
    postgresql: PostgreSQL, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, seconds in {"TICK": 0.2, "PATIENCE": 1, "SILENCE": 1.0}.items():
        monkeypatch.setattr(watchdog, name, seconds)
    with (
        Proxy(postgresql) as proxy,
        alias("far", proxy.url(database_url)) as name,
        (far := adapter_for(name)).guarded(),
    ):
        far.prepare()
        silence = threading.Timer(1.0, proxy.freeze)
        silence.start()
        with (
            watchdog.watched(far, Emitter(name, uuid.uuid4(), [], Clock())),
            pytest.raises(OperationalError),
            far.connection.cursor() as cursor,
        ):
            cursor.execute("SELECT pg_sleep(600)")
        silence.join()
        far.discard_connection()


@pytest.fixture
def two_phased() -> Iterator[str]:
    """Return the URL of a database in which a prepared transaction holds a table."""
    with PostgreSQL(max_prepared_transactions="2") as server:
        server.execute("CREATE TABLE kept ()")
        with psycopg.connect(server.url()) as holder:
            holder.execute("LOCK TABLE kept IN ROW EXCLUSIVE MODE")
            holder.execute("PREPARE TRANSACTION 'billing 7'")
        yield server.url()


def test_a_prepared_transaction_in_the_way_is_told_by_its_name(two_phased: str) -> None:
    with alias("main", two_phased) as name, transaction.atomic(using=name):
        locks = adapter_for(name).table_locks
        assert locks is not None
        [blocker] = locks.blockers({"kept": LockMode.ACCESS_EXCLUSIVE})
    assert (blocker.pid, blocker.user, blocker.state) == (None, "postgres", PREPARED)
    assert blocker.query == "PREPARE TRANSACTION 'billing 7'"


def test_a_statement_that_waits_for_one_says_so(two_phased: str) -> None:
    told: list[Event] = []
    with alias("main", two_phased) as name, (main := adapter_for(name)).guarded(patience=3.0):
        main.prepare()
        emit = Emitter(name, uuid.uuid4(), [lambda event, _context: told.append(event)], Clock())
        with watchdog.watched(main, emit), pytest.raises(OperationalError), main.connection.cursor() as cursor:
            cursor.execute("ALTER TABLE kept ADD COLUMN id int")
    assert any(isinstance(one, SessionsAwaited) and "billing 7" in one.blockers[0].query for one in told)
