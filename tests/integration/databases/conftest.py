"""MariaDB through the adapter, in this process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import DjangoDbBlocker

from auto_migrate.databases.mysql.adapter import MySQL
from tests.integration.databases.aliases import alias
from tests.servers import MariaDB, maria_or_mysql


@pytest.fixture
def maria(mariadb_url: str, django_db_blocker: DjangoDbBlocker) -> Iterator[MySQL]:
    """Return the adapter of an empty database."""
    with django_db_blocker.unblock(), alias("maria", mariadb_url) as name:
        yield MySQL(name)


@pytest.fixture
def own_mariadb(django_db_blocker: DjangoDbBlocker) -> Iterator[MariaDB]:
    """Serve a MariaDB that the test may stop and starve."""
    with django_db_blocker.unblock(), maria_or_mysql() as server:
        yield server
