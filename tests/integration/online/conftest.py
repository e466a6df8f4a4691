from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.online.shop import Shop
from tests.servers import PostgreSQL


@pytest.fixture(scope="session")
def filled(postgresql: PostgreSQL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the name of a database that has the shop's first migration, to be copied."""
    name = f"shop_{uuid.uuid4().hex[:12]}"
    first = Shop(tmp_path_factory.mktemp("shop"), postgresql.create_database(name))
    first.deploy()
    yield name
    postgresql.drop_database(name)


@pytest.fixture
def shop(tmp_path: Path, postgresql: PostgreSQL, filled: str) -> Iterator[Shop]:
    """Return a shop of a few hundred items, on which everything goes online."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    yield Shop(tmp_path, postgresql.create_database(name, filled))
    postgresql.drop_database(name)
