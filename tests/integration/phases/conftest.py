"""A shop whose first release is out."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.phases.shop import FIRST, Shop


@pytest.fixture
def shop(tmp_path: Path, database_url: str) -> Shop:
    """Return a shop on which nothing was ever deployed."""
    return Shop(tmp_path, database_url)


@pytest.fixture
def open_shop(shop: Shop) -> Shop:
    """Return a shop whose first release, v1, is out."""
    shop.release("v1", FIRST).migrated()
    return shop
