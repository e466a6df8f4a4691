"""Databases beside those of the settings, under aliases of their own, and the driver that one vendor needs."""

from __future__ import annotations

import contextlib
import importlib.util
import os
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections
from django.db.utils import ConnectionHandler

from tests.projects.base_settings import database


@contextlib.contextmanager
def alias(name: str, url: str = "", **settings: Any) -> Iterator[str]:
    """Let this thread know a database by `name` while the block lasts."""
    handler = ConnectionHandler({"default": {}, name: {**(database(url) if url else {}), **settings}})
    connections[name] = handler[name]
    try:
        yield name
    finally:
        if connections[name].connection is not None:
            connections[name].connection.close()
        del connections[name]


def require_mysqlclient() -> None:
    """Skip where the driver is missing, since it has to be compiled; fail there under CI."""
    if importlib.util.find_spec("MySQLdb") is not None:
        return
    missing = "MySQLdb is missing: apt-get install gcc pkg-config libmariadb-dev && pip install mysqlclient"
    if os.environ.get("CI") == "true":
        pytest.fail(missing)
    pytest.skip(missing)
