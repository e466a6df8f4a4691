"""Ways for a migration to end its process, thread, transaction, connection or session."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable
from typing import Any

from django.core.management import call_command
from django.db import connection, connections
from django.db.migrations import RunSQL
from django.db.transaction import atomic, on_commit, savepoint, set_rollback

import auto_migrate.safety.gate  # noqa: F401 # once, where all commands are forked from


class Gone(BaseException):
    """What nobody catches."""


def write(text: str) -> None:
    """Write one word through Django."""
    label = os.environ.get("APP", "firm")
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {label}_word (text) VALUES (%s)", [text])  # a test's own name


def before(apps: Any, editor: Any) -> None:
    """Write the first word."""
    write("before")


def after(apps: Any, editor: Any) -> None:
    """Write the last word."""
    write("after")


def sql(text: str) -> None:
    """Send a statement."""
    with connection.cursor() as cursor:
        cursor.execute(text)


def driver(text: str) -> None:
    """Send a statement past Django."""
    cursor: Any = connection.connection.cursor()
    cursor.execute(text)


def drivers(*texts: str) -> None:
    """Send statements past Django."""
    for text in texts:
        driver(text)


def calls(method: str) -> Callable[[], None]:
    """Return what calls a method of Django's connection."""

    def call() -> None:
        getattr(connection, method)()

    return call


def close_driver() -> None:
    """Close the connection past Django."""
    driver_connection: Any = connection.connection
    driver_connection.close()


def commit_and_exit() -> None:
    """Commit past Django and exit."""
    driver("COMMIT")
    sys.exit(0)


def raises(error: BaseException) -> None:
    """Raise it."""
    raise error


def swallows() -> None:
    """Pass over an error of the database, which leaves the transaction of PostgreSQL aborted."""
    with contextlib.suppress(Exception):
        sql("INSERT INTO nowhere VALUES (1)")


def in_thread() -> None:
    """Let a thread end itself."""
    thread = threading.Thread(target=sys.exit)
    thread.start()
    thread.join()


def alarm() -> None:
    """Let a signal handler exit."""
    signal.signal(signal.SIGALRM, lambda *_: sys.exit(0))
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    time.sleep(5)


def child() -> None:
    """Let a forked child leave the migration as well."""
    if os.fork() == 0:
        sys.exit(0)
    os.wait()


def durable() -> None:
    """Ask for an outermost transaction."""
    with atomic(durable=True):
        write("body")


def caught_commit() -> None:
    """Pass over whatever anybody says of a commit."""
    with contextlib.suppress(Exception):
        sql("COMMIT")


def dies_committed() -> None:
    """Commit past Django and die."""
    driver("COMMIT")
    os._exit(0)


def autocommit_off() -> None:
    """Leave autocommit switched off."""
    connection.set_autocommit(False)
    write("body")


def generator() -> None:
    """Raise what closes generators."""
    raise GeneratorExit


def after_commit(error: BaseException) -> None:
    """Have Django raise once the transaction is committed."""
    on_commit(lambda: raises(error))


def dies_after_commit() -> None:
    """End the process once the transaction is committed."""
    on_commit(lambda: os._exit(0))


class Speechless(Exception):
    """What cannot say what it is."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


class Wordy(Exception):
    """What says no text."""

    def __str__(self) -> str:
        return None  # type: ignore[return-value] # noqa: PLE0307 # that is the point


def connects() -> None:
    """Leave the connection, and with it the transaction, for another one."""
    connection.connect()


def loses_handle() -> None:
    """Forget the driver's connection."""
    connection.connection = None


def forgets_alias() -> None:
    """Have Django make another wrapper."""
    del connections["default"]


def unclosed() -> None:
    """Begin a block that nobody leaves."""
    atomic().__enter__()


def unclosed_savepoint() -> None:
    """Set a savepoint that nobody releases."""
    savepoint()


def forgets_block() -> None:
    """Have Django believe that there is no transaction."""
    connection.in_atomic_block = False


def deferred_violation() -> None:
    """Do what the database refuses when it is to commit."""
    sql("CREATE TABLE hostile_parent (id int PRIMARY KEY)")
    sql("CREATE TABLE hostile_child (id int REFERENCES hostile_parent DEFERRABLE INITIALLY DEFERRED)")
    sql("INSERT INTO hostile_child VALUES (1)")


def nested(*arguments: str) -> None:
    """Run a command within the migration."""
    call_command(*arguments, verbosity=0)


def signals_itself(*numbers: signal.Signals) -> None:
    """Ask the own process to end."""
    for number in numbers:
        os.kill(os.getpid(), number)
        time.sleep(0.6)


def thread_with_connection() -> None:
    """Leave a transaction open in a thread that lives on."""

    def work() -> None:
        with atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_current_xact_id()")
            time.sleep(3)

    threading.Thread(target=work, daemon=True).start()
    time.sleep(0.2)


def recursion() -> None:
    """Call itself for ever."""
    recursion()


PYTHON: dict[str, Callable[[], object]] = {
    "exit": lambda: sys.exit(0),
    "exit with a text": lambda: sys.exit("enough"),
    "exit in a handler": alarm,
    "exit in a thread": in_thread,
    "exit in a child": child,
    "os._exit": lambda: os._exit(0),
    "killed": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "interrupted": lambda: raises(KeyboardInterrupt()),
    "generator exit": generator,
    "stop iteration": lambda: raises(StopIteration()),
    "foreign text": lambda: raises(Gone("→ \ud800 \0 Ж")),
    "own exception": lambda: raises(Gone("gone")),
    "swallowed error": swallows,
    "rollback flag": lambda: set_rollback(True),
    "durable": durable,
    "closed": calls("close"),
    "closed past Django": close_driver,
    "autocommit off": autocommit_off,
    "autocommit on": lambda: connection.set_autocommit(True),
    "commit of Django": calls("commit"),
    "rollback of Django": calls("rollback"),
    "commit past Django": lambda: driver("COMMIT"),
    "rollback past Django": lambda: driver("ROLLBACK"),
    "commit and begin past Django": lambda: drivers("COMMIT", "BEGIN"),
    "rollback and begin past Django": lambda: drivers("ROLLBACK", "BEGIN"),
    "commit caught": caught_commit,
    "commit and exit": commit_and_exit,
    "commit and die": dies_committed,
    "session ends itself": lambda: sql("SELECT pg_terminate_backend(pg_backend_pid())"),
    "raises after commit": lambda: after_commit(ValueError("late")),
    "exits after commit": lambda: after_commit(SystemExit(0)),
    "database error after commit": lambda: on_commit(lambda: sql("SELECT 1/0")),
    "dies after commit": dies_after_commit,
    "closes after commit": lambda: on_commit(connection.close),
    "speechless": lambda: raises(Speechless()),
    "wordy": lambda: raises(Wordy()),
    "recursion": recursion,
    "cancelled": lambda: raises(asyncio.CancelledError()),
    "connects": connects,
    "loses handle": loses_handle,
    "forgets alias": forgets_alias,
    "unclosed": unclosed,
    "unclosed savepoint": unclosed_savepoint,
    "forgets block": forgets_block,
    "deferred violation": deferred_violation,
    "nested migrate": lambda: nested("migrate"),
    "sigterm": lambda: signals_itself(signal.SIGTERM),
    "sigint": lambda: signals_itself(signal.SIGINT),
    "sigterm twice": lambda: signals_itself(signal.SIGTERM, signal.SIGTERM),
    "thread with connection": thread_with_connection,
    "no path": sys.path.clear,
    "warnings": lambda: warnings.simplefilter("error"),
    "cancels itself": lambda: sql("SELECT pg_cancel_backend(pg_backend_pid())"),
    "ends all others": lambda: sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        " AND datname = current_database() AND application_name LIKE 'auto_migrate%'"
    ),
    "commit and session ends": lambda: drivers("COMMIT", "SELECT pg_terminate_backend(pg_backend_pid())"),
}
SQL: dict[str, str] = {
    "COMMIT": "COMMIT",
    "END": "END",
    "ROLLBACK": "ROLLBACK",
    "ABORT": "ABORT",
    "BEGIN": "BEGIN",
    "COMMIT AND CHAIN": "COMMIT AND CHAIN",
    "ROLLBACK AND CHAIN": "ROLLBACK AND CHAIN",
    "commit and begin": "COMMIT; BEGIN",
    "commit and fail": "INSERT INTO {app}_word (text) VALUES ('body'); COMMIT; SELECT 1/0",
    "commit, begin and fail": "COMMIT; BEGIN; SELECT 1/0",
    "SAVEPOINT": "SAVEPOINT mine",
    "ROLLBACK TO": "SAVEPOINT mine; INSERT INTO {app}_word (text) VALUES ('lost'); ROLLBACK TO mine",
    "PREPARE TRANSACTION": "PREPARE TRANSACTION 'mine'",
    "DISCARD ALL": "DISCARD ALL",
    "RESET ALL": "RESET ALL",
    "SET ROLE": "SET ROLE pg_monitor",
    "SET search_path": "SET search_path TO pg_temp",
    "read only": "SET TRANSACTION READ ONLY",
    "isolation": "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
    "session read only": "SET default_transaction_read_only = on",
    "unlock all": "SELECT pg_advisory_unlock_all()",
    "the deploy lock's key": "SELECT pg_advisory_lock_shared(1)",
    "SESSION AUTHORIZATION": "SET SESSION AUTHORIZATION pg_monitor",
    "DO COMMIT": "DO $$ BEGIN COMMIT; END $$",
    "DO exception": "DO $$ BEGIN RAISE EXCEPTION 'own %', chr(27) USING ERRCODE = '57P01'; END $$",
    "DO retry": "DO $$ BEGIN RAISE EXCEPTION 'own' USING ERRCODE = '40001'; END $$",
    "DO class 08": "DO $$ BEGIN RAISE EXCEPTION 'own' USING ERRCODE = '08006'; END $$",
    "DO password": "DO $$ BEGIN RAISE EXCEPTION 'own' USING ERRCODE = '28P01'; END $$",
    "replica role": "SET session_replication_role = replica",
    "no time": "SET statement_timeout = '1ms'",
    "no time for locks": "SET lock_timeout = '1ms'",
    "no idleness": "SET idle_in_transaction_session_timeout = '1ms'; SET idle_session_timeout = '1ms'",
    "temporary history": "CREATE TEMP TABLE auto_migrate_step (LIKE public.auto_migrate_step)",
    "truncate record": "TRUNCATE django_migrations",
    "record itself": "INSERT INTO django_migrations (app, name, applied) VALUES ('{app}', '0002_body', now())",
    "lock history": "LOCK TABLE auto_migrate_step, auto_migrate_run IN ACCESS EXCLUSIVE MODE",
    "COPY": "COPY {app}_word FROM STDIN",
    "nothing": " ; ; ",
    "nul": "SELECT 'a\0b'",
    "LOCK": "LOCK TABLE {app}_word IN ACCESS EXCLUSIVE MODE",
}


def body(apps: Any, editor: Any) -> None:
    """Do what `BODY` names among the Python bodies, nothing if it names none."""
    PYTHON.get(os.environ.get("BODY", ""), lambda: None)()


class Statement(RunSQL):
    """The SQL that `BODY` names, read when it is carried out."""

    def __init__(self) -> None:
        super().__init__(RunSQL.noop, RunSQL.noop)

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Run the statement."""
        text = SQL.get(os.environ.get("BODY", ""), "").format(app=app_label)
        run: Any = self._run_sql  # type: ignore[attr-defined] # how RunSQL does it
        run(schema_editor, [text] if text and schema_editor.connection.vendor == "sqlite" else text)

    database_backwards = database_forwards

    def __reduce__(self) -> Any:
        return (Statement, ())
