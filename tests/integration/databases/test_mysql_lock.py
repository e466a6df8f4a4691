"""The deploy lock on MariaDB: one holder, gone with its session, and no trace of it afterwards."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import OperationalError, connections
from django.db.transaction import atomic
from django.test import override_settings

from auto_migrate.clock import Clock
from auto_migrate.databases.base import DeployLock
from auto_migrate.databases.mysql import deploy_lock
from auto_migrate.databases.mysql.adapter import MySQL
from auto_migrate.databases.mysql.deploy_lock import LONGEST_IDLE, MAX_NAME, lock_name
from auto_migrate.exceptions import TransientError
from tests.integration.databases.aliases import alias
from tests.servers import MariaDB
from tools.servers import wait_until

SETTINGS = ("lock_wait_timeout", "innodb_lock_wait_timeout", "wait_timeout")


def session(connection: Any) -> list[object]:
    """Read what a migration's session is set to, in seconds, after the connection's number."""
    longest = "max_statement_time" if connection.mysql_is_mariadb else "max_execution_time / 1000"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT CONNECTION_ID(), {', '.join(f'@@SESSION.{name}' for name in (*SETTINGS, longest))}")
        return list(cursor.fetchone())


def is_used(database: MySQL, purpose: str) -> bool:
    """Return whether any session holds the lock of that purpose."""
    with database.connection.cursor() as cursor:
        cursor.execute("SELECT IS_USED_LOCK(%s) IS NOT NULL", [lock_name(cursor, purpose)])
        return bool(cursor.fetchone()[0])


def holders(server: MariaDB, database: MySQL) -> list[str]:
    """Return the numbers of the sessions that hold the deploy lock or the work lock, in this order."""
    name = database.address.name
    locks = (f"IS_USED_LOCK('auto_migrate {purpose} {name}')" for purpose in ("deploy", "work"))
    return server.execute(f"SELECT {', '.join(locks)}")[0]


def until(condition: Callable[[], bool]) -> None:
    wait_until(condition, timeout=30, message=lambda: "It did not come to pass.")


def test_two_aliases_of_one_database_share_a_lock(maria: MySQL, mariadb_url: str) -> None:
    first = maria.deploy_lock("first")
    assert first.try_acquire()
    with alias("again", mariadb_url) as name:
        second = MySQL(name).deploy_lock("second")
        assert not second.try_acquire()
        first.release()
        assert second.try_acquire()
        second.release()


def test_two_databases_of_one_server_do_not(maria: MySQL, mariadb: MariaDB) -> None:
    with alias("neighbour", mariadb.create_database("neighbour")) as name:
        locks = [maria.deploy_lock("one"), MySQL(name).deploy_lock("other")]
        assert all(lock.try_acquire() for lock in locks)
        for lock in locks:
            lock.release()
    mariadb.drop_database("neighbour")


def test_a_database_with_the_longest_name_is_locked(mariadb: MariaDB, maria: MySQL) -> None:
    """MySQL refuses names of locks above 64 characters; those of databases may have as many."""
    long = "d" * 64
    with alias("long", mariadb.create_database(long)) as name:
        database = MySQL(name)
        with database.connection.cursor() as cursor:
            names = {lock_name(cursor, "deploy"), lock_name(cursor, "work")}
        assert len(names) == 2
        assert max(map(len, names)) <= MAX_NAME
        lock = database.deploy_lock("one")
        assert lock.try_acquire()
        lock.release()
    mariadb.drop_database(long)


def test_the_holder_is_named_and_gone_afterwards(maria: MySQL) -> None:
    lock = maria.deploy_lock("one")
    assert maria.lock_holder() is None
    assert lock.try_acquire()
    holder = maria.lock_holder()
    assert holder is not None
    assert re.fullmatch(r"tester@127\.0\.0\.1:\d+ \(connection \d+\)", holder.description)
    lock.release()
    assert maria.lock_holder() is None
    lock.release()


def test_an_account_that_may_not_see_others_still_learns_that_somebody_holds_the_lock(
    maria: MySQL, mariadb: MariaDB
) -> None:
    mariadb.create_user("weak", "weak", owns=maria.address.name)
    lock = maria.deploy_lock("one")
    assert lock.try_acquire()
    with alias("weak", mariadb.url(maria.address.name), USER="weak", PASSWORD="weak") as name:
        holder = MySQL(name).lock_holder()
    lock.release()
    mariadb.execute("DROP USER weak@'127.0.0.1'")
    assert holder is not None
    assert re.fullmatch(r"connection \d+", holder.description)


def test_a_killed_lock_session_is_noticed_and_stays_lost(maria: MySQL, mariadb: MariaDB) -> None:
    lock = maria.deploy_lock("one")
    assert lock.try_acquire()
    lock.verify()
    deploy, _work = holders(mariadb, maria)
    mariadb.execute(f"KILL {deploy}")
    for _ in range(2):
        with pytest.raises(TransientError, match="deploy lock was lost"):
            lock.verify()
    lock.release()


def test_a_connection_made_anew_does_not_hold_the_lock(maria: MySQL) -> None:
    lock = maria.deploy_lock("one")
    assert lock.try_acquire()
    lock._connection.close()  # type: ignore[attr-defined] # the next statement connects again
    with pytest.raises(TransientError, match="deploy lock was lost"):
        lock.verify()
    lock.release()


def test_an_idle_holder_is_not_put_out(maria: MySQL, mariadb: MariaDB) -> None:
    before = mariadb.execute("SELECT @@GLOBAL.wait_timeout")[0][0]
    mariadb.execute("SET GLOBAL wait_timeout = 1")
    try:
        with alias("idle", mariadb.url(maria.address.name)) as name:
            number = session(connections[name])[0]
            lock = maria.deploy_lock("one")
            assert lock.try_acquire()
            gone = f"SELECT count(*) FROM information_schema.processlist WHERE id = {number}"
            until(lambda: mariadb.execute(gone) == [["0"]])
            lock.verify()
            lock.release()
    finally:
        mariadb.execute(f"SET GLOBAL wait_timeout = {before}")


def test_a_holder_is_not_put_out_while_it_lives_and_is_gone_soon_after_it_has_vanished(
    maria: MySQL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deploy_lock, "SILENCE", 2)
    monkeypatch.setattr(deploy_lock, "BEAT", 0.1)
    lock = maria.deploy_lock("one")
    assert lock.try_acquire()
    with maria.connection.cursor() as cursor:
        cursor.execute("DO SLEEP(3)")
    lock.verify()
    # As of a host that is gone, whose connections stay open.
    lock._released.set()  # type: ignore[attr-defined]
    until(lambda: not is_used(maria, "deploy"))
    with pytest.raises(TransientError, match="deploy lock was lost"):
        lock.verify()
    lock.release()


def test_the_session_is_closed_while_no_thread_uses_it(maria: MySQL, monkeypatch: pytest.MonkeyPatch) -> None:
    lock: Any = maria.deploy_lock("one")
    assert lock.try_acquire()
    close, seen = lock._connection.close, list[bool]()
    with ThreadPoolExecutor() as pool:

        def close_seen() -> None:
            seen.append(pool.submit(lock._using.acquire, blocking=False).result())
            close()

        monkeypatch.setattr(lock._connection, "close", close_seen)
        lock.release()
    assert seen == [False]


def vanished_holder(maria: MySQL, mariadb: MariaDB) -> tuple[DeployLock, str]:
    """Take the lock, and lose all of it but the session that works; return it, and the number of that session."""
    lock = maria.deploy_lock("one")
    assert lock.try_acquire()
    deploy, work = holders(mariadb, maria)
    mariadb.execute(f"KILL {deploy}")
    return lock, work


def test_who_gets_the_lock_ends_the_idle_session_of_a_runner_that_has_vanished(
    maria: MySQL, mariadb_url: str, mariadb: MariaDB, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deploy_lock, "SILENCE", 1)
    vanished, work = vanished_holder(maria, mariadb)
    with alias("next", mariadb_url) as name:
        lock = MySQL(name).deploy_lock("two")
        until(lock.try_acquire)
        assert holders(mariadb, maria)[1] not in {work, "NULL"}
        lock.release()
    maria.connection.close()
    vanished.release()


def test_a_session_that_still_works_is_waited_for(
    maria: MySQL, mariadb_url: str, mariadb: MariaDB, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deploy_lock, "SILENCE", 0)
    vanished, work = vanished_holder(maria, mariadb)
    with ThreadPoolExecutor() as pool, alias("next", mariadb_url) as name:
        with connections[name].cursor() as cursor:
            cursor.execute("DO GET_LOCK('until it may end', 0)")
            session = maria.connection.connection
            done = pool.submit(lambda: session.query("DO GET_LOCK('until it may end', 60)"))
            at_work = f"SELECT 1 FROM information_schema.processlist WHERE id = {work} AND command = 'Query'"
            until(lambda: mariadb.execute(at_work) == [["1"]])
            lock = MySQL(name).deploy_lock("two")
            assert not lock.try_acquire()
            assert is_used(MySQL(name), "work")
            assert not done.done()
            cursor.execute("DO RELEASE_LOCK('until it may end')")
        assert done.result() is None
        lock.release()
    vanished.release()


def test_a_migration_s_session_is_bounded_and_afterwards_as_it_was(maria: MySQL) -> None:
    before = session(maria.connection)
    lock = maria.deploy_lock("one")
    with override_settings(AUTO_MIGRATE={"LOCK_TIMEOUT_CEILING": 2.5, "STATEMENT_TIMEOUT": 60}):
        assert lock.try_acquire()
        with atomic(using=maria.alias):
            maria.begin_migration(Clock())
        with maria.session_limits():
            assert session(maria.connection) == [before[0], 3, 3, LONGEST_IDLE, 60.0]
        assert is_used(maria, "work")
    lock.release()
    assert session(maria.connection) == before
    assert not is_used(maria, "work")


def test_a_session_is_set_back_where_no_lock_is_wanted_too(maria: MySQL) -> None:
    before = session(maria.connection)
    with override_settings(AUTO_MIGRATE={"LOCK": "none"}):
        lock = maria.deploy_lock("one")
        assert lock.try_acquire()
        with atomic(using=maria.alias):
            maria.begin_migration(Clock())
        assert session(maria.connection) != before
        assert not is_used(maria, "work")
        lock.release()
    assert session(maria.connection) == before


def test_a_connection_that_a_migration_closed_is_bounded_and_locked_again(maria: MySQL) -> None:
    lock = maria.deploy_lock("one")
    assert lock.try_acquire()
    maria.begin_migration(Clock())
    maria.connection.close()
    lock.verify()
    assert not is_used(maria, "work")
    maria.begin_migration(Clock())
    assert is_used(maria, "work")
    assert session(maria.connection)[1:3] == [1, 1]
    lock.release()


def test_who_asks_for_the_holder_keeps_nothing_of_the_holder_s(maria: MySQL) -> None:
    """The web asks through the very connection that this thread migrates with."""
    lock = maria.deploy_lock("one")
    assert lock.try_acquire()
    maria.lock_holder()
    assert is_used(maria, "work")
    lock.release()


def test_a_wait_for_a_table_that_is_in_use_ends_as_a_passing_fault(maria: MySQL, mariadb_url: str) -> None:
    with maria.connection.cursor() as cursor:
        cursor.execute("CREATE TABLE busy (id INT)")
    lock = maria.deploy_lock("one")
    assert lock.try_acquire()
    with alias("reader", mariadb_url) as name, atomic(using=name):
        with connections[name].cursor() as cursor:
            cursor.execute("SELECT * FROM busy")
        with (
            pytest.raises(TransientError) as passing,
            maria.translate_errors(),
            maria.session_limits(),
            maria.connection.cursor() as cursor,
        ):
            cursor.execute("ALTER TABLE busy ADD COLUMN more INT")
        assert passing.value.contention
        assert isinstance(passing.value.__cause__, OperationalError)
    lock.release()
