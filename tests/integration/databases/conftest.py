"""MariaDB through the adapter, in this process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import DjangoDbBlocker

from auto_migrate.databases.mysql.adapter import MySQL
from tests.conftest import serve
from tests.integration.databases.aliases import alias, require_mysqlclient
from tests.servers import MariaDB


@pytest.fixture
def _driver() -> None:
    require_mysqlclient()


@pytest.fixture
def maria(_driver: None, mariadb_url: str, django_db_blocker: DjangoDbBlocker) -> Iterator[MySQL]:
    """Return the adapter of an empty database."""
    with django_db_blocker.unblock(), alias("maria", mariadb_url) as name:
        yield MySQL(name)


@pytest.fixture
def own_mariadb(_driver: None, django_db_blocker: DjangoDbBlocker) -> Iterator[MariaDB]:
    """Serve a MariaDB that the test may stop and starve."""
    with django_db_blocker.unblock():
        yield from serve(MariaDB)
