"""Fixtures that every room of the tests shares: real servers and empty databases."""

from __future__ import annotations

import gc
import os
import signal
import uuid
from collections import Counter
from collections.abc import Generator, Iterator
from typing import Any

import pytest
from django.conf import settings

from tests import flush
from tests.environment import POSTGRESQL, REDIS
from tests.manage import run_manage
from tests.programs import freeze
from tests.servers import MariaDB, PgBouncer, PostgreSQL, PostgreSQL15, Redis, maria_or_mysql

# What is started in the background of a shell is deaf to Ctrl-C, and so is all that it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_configure() -> None:
    """Let users be made and the database be emptied quickly: each takes a third of a second otherwise."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    flush.install()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of what is marked `sampled(n)`, leave every n-th case of each test, unless `SWEEP` asks for all."""
    if os.environ.get("SWEEP"):
        return
    seen: Counter[str] = Counter()
    left: list[pytest.Item] = []
    for item in items:
        if (marker := item.get_closest_marker("sampled")) is not None:
            test = item.nodeid.partition("[")[0]
            if seen[test] % marker.args[0]:
                left.append(item)
            seen[test] += 1
    config.hook.pytest_deselected(items=left)
    skipped = set(left)
    items[:] = [item for item in items if item not in skipped]


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, Any, Any]:
    """Leave the thousands of tests, and all that they import, out of what the garbage collector looks through."""
    gc.disable()
    try:
        return (yield)
    finally:
        freeze()
        gc.enable()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """Serve PostgreSQL 18, or the one that was chosen; Django's test database is on it too."""
    with POSTGRESQL as server:
        yield server


@pytest.fixture(scope="session")
def postgresql15() -> Iterator[PostgreSQL]:
    """Serve Debian's PostgreSQL 15."""
    with PostgreSQL15() as server:
        yield server


@pytest.fixture(scope="session")
def pgbouncer(postgresql: PostgreSQL) -> Iterator[PgBouncer]:
    """Serve a pooler in transaction mode before PostgreSQL 18."""
    with PgBouncer(postgresql) as server:
        yield server


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDB]:
    """Serve MariaDB, or the MySQL that was chosen."""
    with maria_or_mysql() as server:
        yield server


@pytest.fixture(scope="session")
def redis_server() -> Iterator[Redis]:
    """Serve the Redis of REDIS_URL."""
    with REDIS as server:
        yield server


@pytest.fixture
def database_url(postgresql: PostgreSQL) -> Iterator[str]:
    """Return the URL of an empty PostgreSQL 18 database, dropped after the test."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    yield postgresql.create_database(name)
    postgresql.drop_database(name)


@pytest.fixture(scope="session")
def migrated_template(postgresql: PostgreSQL) -> Iterator[str]:
    """Return the name of a database of the service that is up to date, to be copied."""
    name = f"template_{uuid.uuid4().hex[:12]}"
    assert run_manage("auto_migrate", database_url=postgresql.create_database(name)).returncode == 0
    yield name
    postgresql.drop_database(name)


@pytest.fixture
def migrated_url(postgresql: PostgreSQL, migrated_template: str) -> Iterator[str]:
    """Return the URL of a database of the service that is up to date."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    yield postgresql.create_database(name, template=migrated_template)
    postgresql.drop_database(name)


@pytest.fixture
def mariadb_url(mariadb: MariaDB) -> Iterator[str]:
    """Return the URL of an empty MariaDB database, dropped after the test."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    yield mariadb.create_database(name)
    mariadb.drop_database(name)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, postgresql: PostgreSQL, redis_server: Redis
) -> None:
    """Start the servers of DATABASE_URL and REDIS_URL before pytest-django makes its test database."""
