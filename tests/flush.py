"""Empties Django's test database after a test: a tenth of the work of Django's `flush`, and the same rows left.

Of all tables few have rows, and hardly a test touches what `post_migrate` makes: where that is as it was, nothing is
truncated and no signal is sent.
"""

from __future__ import annotations

from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.transaction import atomic
from django.test import TransactionTestCase

MADE = ("django_content_type", "auth_permission", "auth_group", "auth_group_permissions")
"""The tables in which `post_migrate` makes rows."""

# What the stubs leave out of it is private.
Tests: Any = TransactionTestCase
djangos_teardown = Tests._fixture_teardown
# What stands in those after a flush, by the database's name.
pristine: dict[str, list[str]] = {}


def install() -> None:
    """Let tests that commit end so."""
    Tests._fixture_teardown = teardown


def teardown(case: Any) -> None:
    """Leave what a flush leaves; make one where what `post_migrate` makes was changed."""
    connection = connections["default"]
    name = connection.settings_dict["NAME"]
    if list(case._databases_names(include_mirrors=False)) == ["default"] and made(connection) == pristine.get(name):
        empty(connection)
        return
    djangos_teardown(case)
    pristine[name] = made(connection)


def made(connection: BaseDatabaseWrapper) -> list[str]:
    """Return a hash of the rows of each of those tables."""
    hashes = [f"SELECT md5(string_agg(t::text, ' ' ORDER BY t::text)) FROM {table} AS t" for table in MADE]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(hashes))
        return [str(value) for (value,) in cursor.fetchall()]


def empty(connection: BaseDatabaseWrapper) -> None:
    """Delete all rows of all other tables of models; what refers to what is looked at when all are gone."""
    existing = connection.introspection.django_table_names(only_existing=True, include_views=False)
    tables = [connection.ops.quote_name(table) for table in existing if table not in MADE]
    with atomic(using=connection.alias), connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(f"(SELECT '{table}' FROM {table} LIMIT 1)" for table in tables))
        for (table,) in cursor.fetchall():
            cursor.execute(f"DELETE FROM {table}")
