"""The code that a finding says to write instead can be written just so, and has the hazard no more."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import migrations, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import Migration
from django.db.migrations.loader import MigrationLoader
from django.test import override_settings

from auto_migrate.planning.reading import read_plan
from auto_migrate.safety.hazard import Server
from auto_migrate.safety.hazards import hazards
from tests.integration.safety.test_hazards import PACKAGE, PAIRS, code_of, found_in, on_one_server

LABEL = "hazard"
OWN = [pair for pair in PAIRS if code_of(pair)[:3] in {"AM3", "AM4"}]


def migrations_of(code: str) -> Iterator[Migration]:
    """Run the code as if it stood in the project's migrations, one for each list of operations."""
    names: dict[str, Any] = {"migrations": migrations, "models": models}
    for number, node in enumerate(ast.parse(code).body, start=2):
        exec(compile(ast.Module([node], []), "<instead>", "exec"), names)
        if isinstance(node, ast.Assign):
            kind = type("Migration", (Migration,), {"operations": names["operations"]})
        elif isinstance(node, ast.ClassDef):
            kind = names["Migration"]
        else:
            continue
        yield kind(f"{number:04}_instead", LABEL)


def codes_in(connection: BaseDatabaseWrapper, app: str, code: str) -> set[str]:
    """Give the hazards of a project that goes on with some code after its first migration."""
    with override_settings(INSTALLED_APPS=[app]):
        loader = MigrationLoader(None)
        state = loader.project_state(loader.graph.root_nodes(LABEL)[0])
        plan = [(migration, False) for migration in migrations_of(code)]
        assert plan
        server = Server("postgresql", (connection.pg_version // 10000,))  # type: ignore[attr-defined]
        return {
            code
            for migration in read_plan(connection, plan, state)
            for code, hazard in hazards().items()
            if list(hazard.look(migration, server, frozenset()))
        }


@on_one_server
@pytest.mark.parametrize("pair", OWN)
def test_what_to_write_instead_is_code_without_the_hazard(shop: BaseDatabaseWrapper, pair: str) -> None:
    app, code = f"{PACKAGE}.{pair}.{LABEL}", code_of(pair)
    texts = [found.instead for name, found in found_in(shop, app) if name == code]
    assert texts
    for text in texts:
        assert code not in codes_in(shop, app, text), text
