"""Whom a statement waits for on MySQL and MariaDB is told, as far as the server tells it to the account."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper

from auto_migrate import watchdog
from auto_migrate.clock import Clock
from auto_migrate.databases import adapter_for
from auto_migrate.databases.base import Database
from auto_migrate.databases.mysql.adapter import MySQL
from auto_migrate.databases.session_waits import describe_blocker
from auto_migrate.emitter import Emitter
from auto_migrate.events import Event, SessionsAwaited
from auto_migrate.exceptions import DatabaseBusy, TransientError
from auto_migrate.watchdog import bounded_questions, watched
from tests.integration.databases.aliases import alias
from tests.servers import MariaDB, Proxy


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look more often."""
    monkeypatch.setattr(watchdog, "TICK", 0.2)


@pytest.fixture
def holder(maria: MySQL, mariadb: MariaDB) -> Iterator[BaseDatabaseWrapper]:
    """Return somebody else, who has read and written a row in a transaction that stays open."""
    with alias("holder", mariadb.url(maria.address.name)) as name:
        other = adapter_for(name).connection
        with other.cursor() as cursor:
            cursor.execute("CREATE TABLE kept (id INT PRIMARY KEY, value INT) ENGINE=InnoDB")
            cursor.execute("INSERT INTO kept VALUES (1, 1)")
            cursor.execute("BEGIN")
            cursor.execute("UPDATE kept SET value = 2")
        yield other


def prepared(database: Database) -> BaseDatabaseWrapper:
    """Return a database's connection, open and set up."""
    database.prepare()
    return database.connection


def told_while(database: Database, statement: str) -> list[SessionsAwaited]:
    """Return what is told while a statement waits in vain."""
    told: list[Event] = []
    emit = Emitter(database.alias, uuid.uuid4(), [lambda event, _context: told.append(event)], Clock())
    with (
        database.guarded(patience=3.0),
        watched(database, emit),
        pytest.raises(DatabaseError),
        prepared(database).cursor() as cursor,
    ):
        cursor.execute(statement)
    return [event for event in told if isinstance(event, SessionsAwaited)]


@pytest.mark.parametrize("statement", ["UPDATE kept SET value = 3", "ALTER TABLE kept ADD COLUMN note INT"])
def test_a_statement_that_waits_says_for_whom(maria: MySQL, holder: BaseDatabaseWrapper, statement: str) -> None:
    driver: Any = holder.connection
    [awaited, *_more] = told_while(maria, statement)
    assert [blocker.pid for blocker in awaited.blockers] == [driver.thread_id()]
    assert "tester@127.0.0.1" in describe_blocker(awaited.blockers[0])


def test_an_account_that_may_not_look_says_so(mariadb: MariaDB, maria: MySQL, holder: BaseDatabaseWrapper) -> None:
    name = maria.address.name
    mariadb.create_user("narrow", "narrow", owns=name)
    with alias("narrow", mariadb.url(name).replace("tester:tester", "narrow:narrow")) as narrow:
        [awaited, *_more] = told_while(adapter_for(narrow), "ALTER TABLE kept ADD COLUMN note INT")
    assert "GRANT PROCESS" in describe_blocker(awaited.blockers[0])


def test_a_question_that_waits_ends_with_who_is_in_the_way(maria: MySQL, holder: BaseDatabaseWrapper) -> None:
    driver: Any = holder.connection
    emit = Emitter(maria.alias, uuid.uuid4(), [], Clock())
    with holder.cursor() as cursor:
        cursor.execute("COMMIT")
        cursor.execute("BEGIN")
        cursor.execute("SELECT * FROM kept")

    def ask() -> None:
        with bounded_questions(maria, emit, patience=3.0):
            try:
                with maria.translate_errors(), prepared(maria).cursor() as cursor:
                    cursor.execute("ALTER TABLE kept ADD COLUMN note INT")
            except TransientError as fault:
                raise maria.unreachable(fault) from fault

    with pytest.raises(DatabaseBusy) as raised:
        ask()
    assert f"pid {driver.thread_id()}" in raised.value.hint
    assert f"KILL {driver.thread_id()}" in raised.value.hint


def test_a_server_that_stops_answering_is_given_up(
    maria: MySQL, mariadb: MariaDB, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, seconds in {"PATIENCE": 1, "SILENCE": 1.0}.items():
        monkeypatch.setattr(watchdog, name, seconds)
    with (
        Proxy(mariadb) as proxy,
        alias("far", proxy.url(mariadb.url(maria.address.name))) as name,
        (far := adapter_for(name)).guarded(),
    ):
        far.prepare()
        proxy.swallow()
        with (
            watched(far, Emitter(name, uuid.uuid4(), [], Clock())),
            pytest.raises(DatabaseError),
            far.connection.cursor() as cursor,
        ):
            cursor.execute("SELECT 1")
        far.discard_connection()
