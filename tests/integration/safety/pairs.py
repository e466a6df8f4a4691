"""What is done with the pairs of tests/hazards: an app is made of either side, carried out and judged."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.test import override_settings

from auto_migrate.changes.new_objects import NewObjects
from auto_migrate.changes.reading import read_plan
from auto_migrate.phases.classify import PhaseClassifier, classify_plan
from auto_migrate.safety.acknowledgements import of_migration
from auto_migrate.safety.hazard import Found, ServerFacts
from auto_migrate.safety.hazards import hazards
from tests.hazards import APP, FIRST, Pair, Side

# Makes an app of one side, if there is none yet, and returns what INSTALLED_APPS calls it.
AppOf = Callable[[Pair, Side], str]

on_one_server = pytest.mark.parametrize("shop_database", ["postgresql"], indirect=True)


def carry_out(connection: BaseDatabaseWrapper, app: str, name: str | None = None) -> None:
    """Carry out the migrations of an app up to one, or all, from an empty database and as Django does."""
    with connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    with override_settings(INSTALLED_APPS=[app]):
        executor = MigrationExecutor(connection)
        executor.migrate([(APP, name)] if name else executor.loader.graph.leaf_nodes())


def carry_out_first(connection: BaseDatabaseWrapper, app: str) -> None:
    """Carry out what makes the things that are there before the plan."""
    carry_out(connection, app, FIRST)


def found_in(connection: BaseDatabaseWrapper, app: str, *, phases: bool) -> Iterator[tuple[str, Found]]:
    """Return what all hazards find in the migrations of an app after its first, which was carried out before."""
    with override_settings(INSTALLED_APPS=[app], AUTO_MIGRATE={"PHASES": phases}):
        loader = MigrationLoader(None)
        [leaf], [first] = loader.graph.leaf_nodes(APP), loader.graph.root_nodes(APP)
        plan = [(loader.graph.nodes[key], False) for key in loader.graph.forwards_plan(leaf) if key != first]
        server = ServerFacts("postgresql", (connection.pg_version // 10000,))  # type: ignore[attr-defined]
        new = NewObjects()
        reads = read_plan(connection, plan, loader.project_state(first))
        for migration in classify_plan(reads, PhaseClassifier(loader.graph)):
            said = {acknowledgement.code for acknowledgement in of_migration(migration.migration)}
            for code, hazard in hazards().items():
                if code in said:
                    continue
                for found in hazard.look(migration, server, new):
                    yield code, found
            for _operation, change in migration.changes():
                new.follow(change)
