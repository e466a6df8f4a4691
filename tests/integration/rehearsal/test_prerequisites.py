"""A scratch database is given what the migrations of the real one found there."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from auto_migrate.rehearsal.prerequisites import Prerequisites, prerequisites_of
from tests.integration.databases.aliases import alias
from tests.servers import PostgreSQL

EXTENSION = (
    "SELECT name FROM pg_available_extension_versions WHERE relocatable AND requires IS NULL AND NOT installed"
    " ORDER BY name LIMIT 1"
)


@pytest.fixture
def scratch(shop: BaseDatabaseWrapper, request: pytest.FixtureRequest) -> Iterator[BaseDatabaseWrapper]:
    """Connect to an empty database on the same server."""
    server: PostgreSQL = request.getfixturevalue(request.node.callspec.params["shop_database"])
    name = f"test_{uuid.uuid4().hex[:12]}"
    with alias("scratch", server.create_database(name)):
        yield connections["scratch"]
    server.drop_database(name)


def test_schemas_extensions_and_settings_are_the_same(shop: BaseDatabaseWrapper, scratch: BaseDatabaseWrapper) -> None:
    with shop.cursor() as cursor:
        cursor.execute('CREATE SCHEMA "A Side"')
        cursor.execute(EXTENSION)
        (extension,) = cursor.fetchone()
        cursor.execute(f'CREATE EXTENSION "{extension}" SCHEMA "A Side"')
        database = shop.settings_dict["NAME"]
        cursor.execute(f'ALTER DATABASE {database} SET search_path = public, "A Side"')
        cursor.execute(f"ALTER DATABASE {database} SET shop.region = 'north, south'")
    wanted = prerequisites_of(shop)
    assert (extension, "A Side") in wanted.extensions
    assert list(wanted.lay(scratch)) == []
    assert prerequisites_of(scratch) == wanted
    scratch.close()
    with scratch.cursor() as cursor:
        cursor.execute("SELECT current_setting('search_path'), current_setting('shop.region')")
        assert cursor.fetchone() == ('public, "A Side"', "north, south")
    with shop.cursor() as cursor:
        cursor.execute(f"ALTER DATABASE {database} RESET ALL")
        cursor.execute('DROP SCHEMA "A Side" CASCADE')


def test_what_cannot_be_made_is_named(scratch: BaseDatabaseWrapper) -> None:
    lacking = Prerequisites(("there",), (("no_such_extension", "public"),), (("no_such_setting", "1"),))
    assert list(lacking.lay(scratch)) == ["no_such_extension", "no_such_setting"]
    assert "there" in prerequisites_of(scratch).schemas
