"""PostgreSQL's own errors, made for real, in whatever language the server speaks them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.exceptions import MigrationSchemaMissing

from auto_migrate.databases import adapter_for
from auto_migrate.databases.faults import Fault, FaultKind
from auto_migrate.databases.postgresql.refusals import refused_sqlstate
from tests.requirements import GERMAN, POSTGRESQL15, Missing, need
from tests.servers import PostgreSQL, PostgreSQL15, free_port

LANGUAGE = "de_DE.UTF-8"


@pytest.fixture
def other(transactional_db: None) -> Iterator[BaseDatabaseWrapper]:
    """Return a `default` connection that the test may point elsewhere, and put the real one back."""
    real = connections["default"]
    connections["default"] = real.copy()
    yield connections["default"]
    connections["default"].close()
    connections["default"] = real


def fault_of(connection: BaseDatabaseWrapper, statement: str | None = None) -> Fault:
    """Return what the error of connecting, or of a statement, means."""

    def work() -> None:
        if statement is None:
            connection.ensure_connection()
        else:
            with connection.cursor() as cursor:
                cursor.execute(statement)

    with pytest.raises(DatabaseError) as raised:
        work()
    found = adapter_for("default").fault_of(raised.value)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        ({"PASSWORD": "wrong"}, FaultKind.CREDENTIALS),
        ({"USER": "nobody_here"}, FaultKind.CREDENTIALS),
        ({"NAME": "nowhere"}, FaultKind.NO_DATABASE),
        ({"PORT": free_port()}, FaultKind.UNREACHABLE),
        ({"HOST": "no-such-host.invalid"}, FaultKind.UNREACHABLE),
        ({"PORT": "54321x"}, FaultKind.BAD_ADDRESS),
        ({"OPTIONS": {"sslmode": "require"}}, FaultKind.TLS),
        ({"OPTIONS": {"sslmode": "verify-full", "sslrootcert": "/nowhere"}}, FaultKind.TLS),
        ({"OPTIONS": {"sslmode": "sometimes"}}, FaultKind.TLS),
    ],
)
def test_what_a_failed_connection_means(settings: dict[str, Any], kind: FaultKind, other: BaseDatabaseWrapper) -> None:
    other.settings_dict.update(settings)
    assert fault_of(other).kind is kind


def test_a_full_server_is_a_passing_fault(other: BaseDatabaseWrapper, postgresql: PostgreSQL) -> None:
    postgresql.create_role("one_at_a_time", "secret")
    try:
        postgresql.execute("ALTER ROLE one_at_a_time CONNECTION LIMIT 0")
        other.settings_dict.update(USER="one_at_a_time", PASSWORD="secret", NAME="postgres")
        assert fault_of(other).kind is FaultKind.TOO_MANY_CONNECTIONS
    finally:
        postgresql.execute("DROP ROLE one_at_a_time")


def end_session(connection: BaseDatabaseWrapper, postgresql: PostgreSQL) -> None:
    """Let the server end the session of a connection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    postgresql.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


def test_a_session_that_was_ended_is_a_lost_connection(other: BaseDatabaseWrapper, postgresql: PostgreSQL) -> None:
    end_session(other, postgresql)
    assert fault_of(other, "SELECT 1").kind is FaultKind.CONNECTION_LOST
    assert fault_of(other, "SELECT 1").kind is FaultKind.CONNECTION_LOST


def test_it_is_one_in_an_error_that_django_makes_of_it_too(other: BaseDatabaseWrapper, postgresql: PostgreSQL) -> None:
    end_session(other, postgresql)
    # The first is told with a SQLSTATE.
    assert fault_of(other, "SELECT 1").kind is FaultKind.CONNECTION_LOST

    def make_record() -> None:
        # As the recorder has it.
        try:
            with other.cursor() as cursor:
                cursor.execute("SELECT 1")
        except DatabaseError as error:
            raise MigrationSchemaMissing(f"Unable to create the table ({error})")  # noqa: B904 # nor does Django

    with pytest.raises(MigrationSchemaMissing) as raised:
        make_record()
    found = adapter_for("default").fault_of(raised.value)
    assert found is not None
    assert found.kind is FaultKind.CONNECTION_LOST


@pytest.mark.parametrize("server", ["postgresql", "postgresql15"])
@pytest.mark.parametrize(
    ("parameters", "sqlstate"),
    [({"password": "wrong"}, "28P01"), ({"dbname": "nowhere"}, "3D000"), ({"user": "nobody_here"}, "28P01")],
)
def test_a_refusal_tells_its_sqlstate(
    parameters: dict[str, str], sqlstate: str, server: str, request: pytest.FixtureRequest
) -> None:
    serving: PostgreSQL = request.getfixturevalue(server)
    right = {"user": serving.user, "password": serving.password, "dbname": "postgres"}
    assert refused_sqlstate({"host": "127.0.0.1", "port": serving.port, **right, **parameters}) == sqlstate


@pytest.mark.parametrize(
    ("statements", "kind"),
    [
        (["SET LOCAL ROLE pg_monitor", "CREATE TABLE public.mine ()"], FaultKind.NO_PERMISSION),
        (["SET TRANSACTION READ ONLY", "CREATE TABLE mine ()"], FaultKind.READ_ONLY),
        (["SET LOCAL transaction_timeout = 1", "SELECT pg_sleep(60)"], FaultKind.CONNECTION_LOST),
    ],
)
def test_what_a_refused_statement_means(statements: list[str], kind: FaultKind, other: BaseDatabaseWrapper) -> None:
    *before, last = statements
    with transaction.atomic(), other.cursor() as cursor:
        for statement in before:
            cursor.execute(statement)
        assert fault_of(other, last).kind is kind
        transaction.set_rollback(True)


def test_a_lock_that_was_not_had_is_contention(other: BaseDatabaseWrapper, postgresql: PostgreSQL) -> None:
    name = other.settings_dict["NAME"]
    with psycopg.connect(postgresql.url(name)) as holder:
        holder.execute("LOCK TABLE django_migrations IN ACCESS SHARE MODE")
        with transaction.atomic(), other.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '10ms'")
            found = fault_of(other, "LOCK TABLE django_migrations")
            transaction.set_rollback(True)
    assert found.kind is FaultKind.LOCK_TIMEOUT
    assert found.kind.contention


# -- a server that speaks another language ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def german(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgreSQL]:
    """Serve a PostgreSQL whose messages are German, where its translations and a locale can be had."""
    need(POSTGRESQL15, GERMAN)
    folder = tmp_path_factory.mktemp("locales")
    make = [GERMAN.path("localedef"), "-i", "de_DE", "-f", "UTF-8", str(folder / LANGUAGE)]
    made = subprocess.run(make, capture_output=True, text=True, check=False)
    if made.returncode:
        raise Missing([GERMAN])
    for path in (folder, *folder.parents[:2], *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOCPATH", str(folder))
        with PostgreSQL15(lc_messages=LANGUAGE) as server:
            yield server


@pytest.fixture
def speaking(german: PostgreSQL, other: BaseDatabaseWrapper) -> BaseDatabaseWrapper:
    """Point `default` to the server whose messages are German."""
    other.settings_dict.update(
        HOST="127.0.0.1", PORT=german.port, USER=german.user, PASSWORD=german.password, NAME="postgres"
    )
    return other


@pytest.mark.parametrize(
    ("settings", "kind", "sqlstate", "word"),
    [
        ({"PASSWORD": "wrong"}, FaultKind.CREDENTIALS, "28P01", "Passwort-Authentifizierung"),
        ({"NAME": "nowhere"}, FaultKind.NO_DATABASE, "3D000", "existiert nicht"),
    ],
)
def test_a_refusal_in_another_language_is_understood(
    settings: dict[str, Any], kind: FaultKind, sqlstate: str, word: str, speaking: BaseDatabaseWrapper
) -> None:
    speaking.settings_dict.update(settings)
    found = fault_of(speaking)
    assert found.kind is kind
    assert word in found.detail
    assert refused_sqlstate(speaking.get_connection_params()) == sqlstate


def test_too_many_connections_in_another_language_are_a_passing_fault(
    german: PostgreSQL, speaking: BaseDatabaseWrapper
) -> None:
    german.create_database("full")
    german.execute('ALTER DATABASE "full" CONNECTION LIMIT 0')
    german.create_role("shop", "secret")
    speaking.settings_dict.update(NAME="full", USER="shop", PASSWORD="secret")
    found = fault_of(speaking)
    assert found.kind is FaultKind.TOO_MANY_CONNECTIONS
    assert "too many" not in found.detail
    assert refused_sqlstate(speaking.get_connection_params()) == "53300"


def test_a_server_that_lets_us_in_has_no_refusal_to_tell(speaking: BaseDatabaseWrapper) -> None:
    assert refused_sqlstate(speaking.get_connection_params()) is None


def test_a_server_that_does_not_listen_has_no_refusal_to_tell(speaking: BaseDatabaseWrapper) -> None:
    speaking.settings_dict["PORT"] = free_port()
    assert refused_sqlstate(speaking.get_connection_params()) is None
