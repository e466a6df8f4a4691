"""A shop with orders, in a project that a test completes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.backfills.shop import Shop


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """Return a shop on SQLite."""
    return Shop(tmp_path)


@pytest.fixture
def shop_on_postgresql(tmp_path: Path, database_url: str) -> Shop:
    """Return a shop on PostgreSQL."""
    return Shop(tmp_path, database_url)


@pytest.fixture(params=["shop", "shop_on_postgresql"])
def anywhere(request: pytest.FixtureRequest) -> Shop:
    """Return a shop on each."""
    shop: Shop = request.getfixturevalue(request.param)
    return shop
