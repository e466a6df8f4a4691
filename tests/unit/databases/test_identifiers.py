"""Names as PostgreSQL has them."""

from __future__ import annotations

import pytest

from auto_migrate.databases.identifiers import is_schema_name


@pytest.mark.parametrize("name", ["acme", "Acme", "não", "a b", 'ac"me', "_1", "postgres"])
def test_what_a_schema_may_be_called(name: str) -> None:
    assert is_schema_name(name)


@pytest.mark.parametrize("name", [None, 3, "", " ", "a\0b", "a\ud800", "a\n", "pg_catalog", "information_schema"])
def test_what_no_database_has_or_nobody_may_change_is_none(name: object) -> None:
    assert not is_schema_name(name)
