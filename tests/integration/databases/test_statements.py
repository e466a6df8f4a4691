"""The SQL of operations is collected on MariaDB and SQLite too, without touching them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import operations as ops
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from pytest_django import DjangoDbBlocker

from auto_migrate.changes.change import OpaqueChange
from auto_migrate.changes.collected_sql import statements_of_operation
from auto_migrate.changes.operations import changes_of
from tests.integration.applying.library import APP, library
from tests.integration.databases.aliases import alias
from tests.integration.own_database import carry_out

OPERATIONS: dict[str, tuple[Operation, str]] = {
    "add": (
        ops.AddField("Tag", "text", models.CharField(max_length=9, default="it's 5 %")),
        "'it''s 5 %'|'it\\'s 5 %'",
    ),
    "remove a foreign key": (ops.RemoveField("Loan", "reader"), "reader_id|library_loan"),
    "alter": (ops.AlterField("Tag", "word", models.CharField(max_length=40)), "40"),
    "unique together": (ops.AlterUniqueTogether("Loan", {("book", "reader")}), "UNIQUE"),
    "no longer unique together": (ops.AlterUniqueTogether("Chapter", set()), "DROP|RENAME"),
    "SQL": (ops.RunSQL("DROP TABLE library_tag"), "DROP TABLE library_tag;"),
}


@pytest.fixture(params=["mariadb_url", "sqlite"])
def shop(
    request: pytest.FixtureRequest, tmp_path: Path, django_db_blocker: DjangoDbBlocker
) -> Iterator[BaseDatabaseWrapper]:
    """Connect to a database of another vendor."""
    sqlite = f"sqlite:///{tmp_path / 'shop.sqlite3'}"
    url = sqlite if request.param == "sqlite" else request.getfixturevalue(request.param)
    with django_db_blocker.unblock(), alias("shop", url):
        yield connections["shop"]


@pytest.mark.parametrize("name", OPERATIONS)
def test_statements_are_collected_and_nothing_is_changed(shop: BaseDatabaseWrapper, name: str) -> None:
    operation, expected = OPERATIONS[name]
    state = ProjectState()
    if shop.vendor == "sqlite":
        shop.disable_constraint_checking()
    carry_out(shop, state, library(), APP)
    after = state.clone()
    operation.state_forwards(APP, after)
    with shop.cursor() as cursor:
        before = shop.introspection.get_table_list(cursor)
    statements = statements_of_operation(operation, APP, shop, state, after)
    assert not [statement for statement in statements if statement.startswith("--")]
    assert any(word in "\n".join(statements) for word in expected.split("|"))
    with shop.cursor() as cursor:
        assert shop.introspection.get_table_list(cursor) == before


def test_sql_of_other_databases_is_told_as_unread(shop: BaseDatabaseWrapper) -> None:
    operation = ops.RunSQL("-- first\nUPDATE a SET n = 1; UPDATE b SET n = 2")
    changes = list(changes_of(operation, APP, shop, ProjectState(), ProjectState()))
    assert len(changes) == 2
    assert all(isinstance(change, OpaqueChange) for change in changes)
