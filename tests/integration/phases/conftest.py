"""A shop whose first release is out."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.phases.shop import FIRST, Shop
from tests.servers import PostgreSQL


@pytest.fixture
def shop(tmp_path: Path, database_url: str) -> Shop:
    """Return a shop on which nothing was ever deployed."""
    return Shop(tmp_path, database_url)


@pytest.fixture(scope="session")
def template(postgresql: PostgreSQL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the name of the database of a shop whose first release, v1, is out, to be copied."""
    name = f"shop_{uuid.uuid4().hex[:12]}"
    Shop(tmp_path_factory.mktemp("shop"), postgresql.create_database(name)).release("v1", FIRST).migrated()
    yield name
    postgresql.drop_database(name)


@pytest.fixture
def open_shop(tmp_path: Path, postgresql: PostgreSQL, template: str) -> Iterator[Shop]:
    """Return a shop whose first release, v1, is out."""
    name = f"shop_{uuid.uuid4().hex[:12]}"
    yield Shop(tmp_path, postgresql.create_database(name, template))
    postgresql.drop_database(name)
