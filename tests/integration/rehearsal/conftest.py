from __future__ import annotations

from tests.integration.safety.conftest import app_of, shop, shop_database

__all__ = ["app_of", "shop", "shop_database"]
