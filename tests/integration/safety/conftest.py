"""Empty databases under an alias of their own, emptied again for each test."""

from __future__ import annotations

import functools
import sys
import uuid
from collections.abc import Iterator

import pytest
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from pytest_django import DjangoDbBlocker

from tests.integration.databases.aliases import alias
from tests.integration.safety.pairs import AppOf
from tests.servers import PostgreSQL


@pytest.fixture(scope="module", params=["postgresql15", "postgresql"])
def shop_database(request: pytest.FixtureRequest, django_db_blocker: DjangoDbBlocker) -> Iterator[BaseDatabaseWrapper]:
    """Connect to a database of one server, for all tests of a module."""
    server: PostgreSQL = request.getfixturevalue(request.param)
    name = f"test_{uuid.uuid4().hex[:12]}"
    url = server.create_database(name)
    with django_db_blocker.unblock(), alias("shop", url):
        yield connections["shop"]
    server.drop_database(name)


@pytest.fixture
def shop(shop_database: BaseDatabaseWrapper) -> BaseDatabaseWrapper:
    """Return the connection, with nothing left of the test before."""
    with shop_database.cursor() as cursor:
        cursor.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    return shop_database


@pytest.fixture(scope="session")
def app_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppOf]:
    """Return what makes an app of one side of a pair, once for all tests."""
    folder = tmp_path_factory.mktemp("hazards")
    sys.path.append(str(folder))
    yield functools.cache(lambda pair, side: pair.write(folder, side))
    sys.path.remove(str(folder))
