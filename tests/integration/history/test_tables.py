"""How the tables of the history are made, on whatever connection there is."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError, connections
from pytest_django import DjangoDbBlocker

from auto_migrate.history.models import ensure_tables, have_tables
from tests.integration.databases.aliases import alias


def lost(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
    """Lose the connection at the first index of a table, which Django makes last."""
    if sql.startswith("CREATE INDEX"):
        raise OperationalError("lost")
    return execute(sql, params, many, context)


def test_what_fails_last_leaves_no_transaction_open(database_url: str, django_db_blocker: DjangoDbBlocker) -> None:
    with django_db_blocker.unblock(), alias("kept", database_url):
        connection = connections["kept"]
        with connection.execute_wrapper(lost), pytest.raises(OperationalError, match="lost"):
            ensure_tables(connection)
        assert not connection.in_atomic_block
        ensure_tables(connection)
        assert have_tables(connection)
