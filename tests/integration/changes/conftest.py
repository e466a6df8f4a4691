from __future__ import annotations

from tests.integration.own_database import connection, own_database

__all__ = ["connection", "own_database"]
