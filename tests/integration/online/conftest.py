from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.online.shop import Shop


@pytest.fixture
def shop(tmp_path: Path, database_url: str) -> Shop:
    """Return a shop of a few hundred items, on which everything goes online."""
    return Shop(tmp_path, database_url)
