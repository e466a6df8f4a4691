"""A shop at its old release, whose tests were recorded, and servers that count statements."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.workload.two_releases import TwoReleases
from tests.servers import PostgreSQL, PostgreSQL15


@pytest.fixture(scope="module")
def shop_url(postgresql: PostgreSQL) -> Iterator[str]:
    name = f"shop_{uuid.uuid4().hex[:8]}"
    yield postgresql.create_database(name)
    postgresql.drop_database(name)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, shop_url: str) -> TwoReleases:
    """Return the shop with its first migration applied; what a test writes over, the next one writes anew."""
    shop = TwoReleases(tmp_path_factory.mktemp("shop"), shop_url)
    shop.done("auto_migrate")
    return shop


@pytest.fixture(scope="module")
def recorded(shop: TwoReleases) -> Path:
    """Return what the tests of the old release sent."""
    path = shop.folder / "statements.jsonl"
    shop.test("-m", "django", "test", AUTO_MIGRATE_RECORD=str(path))
    return path


@pytest.fixture(scope="session")
def counting() -> Iterator[PostgreSQL]:
    """Serve a PostgreSQL that counts statements."""
    with PostgreSQL15(shared_preload_libraries="pg_stat_statements") as server:
        yield server
