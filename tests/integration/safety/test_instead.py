"""The code that a finding says to write instead can be written just so, and has the hazard no more."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import migrations, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import Migration
from django.db.migrations.graph import MigrationGraph
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.test import override_settings

from auto_migrate.changes.new_objects import NewObjects
from auto_migrate.changes.reading import read_plan
from auto_migrate.phases.classify import PhaseClassifier, classify_plan
from auto_migrate.safety.acknowledgements import of_migration
from auto_migrate.safety.hazard import Found, ServerFacts
from auto_migrate.safety.hazards import hazards
from tests.hazards import APP as SHOP
from tests.hazards import PAIRS, Pair
from tests.integration.applying.library import APP, library, to
from tests.integration.safety.offers import migrations_of
from tests.integration.safety.pairs import AppOf, carry_out_first, found_in, on_one_server

# Only the project knows what its view says without the column.
WITHOUT_CODE = {"am410_view_along"}
OWN = [pair for pair in PAIRS if pair.code[:3] in {"AM3", "AM4"} and pair.name not in WITHOUT_CODE]
# Hazards whose code makes a constraint, or fills one, in several migrations.
IN_PARTS = [
    pair for pair in PAIRS if pair.code in {"AM101", "AM102", "AM104", "AM105", "AM106", "AM107", "AM109", "AM112"}
]
# What would send somebody back who has followed the advice.
SECOND_ROUND = {"AM201", "AM404", "AM405", "AM502", "AM504"}


def codes_in(connection: BaseDatabaseWrapper, app: str, code: str) -> set[str]:
    """Return the hazards of a project that goes on with some code after its first migration."""
    with override_settings(INSTALLED_APPS=[app]):
        loader = MigrationLoader(None)
        state = loader.project_state(loader.graph.root_nodes(SHOP)[0])
        return {code for code, _found in judged(connection, state, *migrations_of(code))}


def offers(connection: BaseDatabaseWrapper, app_of: AppOf, pair: Pair) -> tuple[str, list[str]]:
    """Return the app that has the hazard, carried out up to its plan, and the code that is offered instead."""
    app = app_of(pair, "hazard")
    carry_out_first(connection, app)
    return app, [found.instead for code, found in found_in(connection, app, phases=pair.phases) if code == pair.code]


def judged(connection: BaseDatabaseWrapper, state: ProjectState, *plan: Migration) -> list[tuple[str, Found]]:
    """Return what all hazards find in some migrations that do not acknowledge it."""
    assert plan
    server = ServerFacts("postgresql", (connection.pg_version // 10000,))  # type: ignore[attr-defined]
    graph = MigrationGraph()
    for before, migration in zip((None, *plan), plan, strict=False):
        key = migration.app_label, migration.name
        graph.add_node(key, migration)
        if before is not None:
            graph.add_dependency(migration, key, (before.app_label, before.name))
    return [
        (code, found)
        for migration in classify_plan(
            read_plan(connection, [(one, False) for one in plan], state), PhaseClassifier(graph)
        )
        for code, hazard in hazards().items()
        if code not in {said.code for said in of_migration(migration.migration)}
        for found in hazard.look(migration, server, NewObjects())
    ]


@on_one_server
@pytest.mark.parametrize("pair", OWN, ids=str)
def test_what_to_write_instead_is_code_without_the_hazard(shop: BaseDatabaseWrapper, app_of: AppOf, pair: Pair) -> None:
    app, texts = offers(shop, app_of, pair)
    assert texts
    for text in texts:
        assert not {pair.code, *SECOND_ROUND} & codes_in(shop, app, text), text


@on_one_server
@pytest.mark.parametrize("pair", IN_PARTS, ids=str)
def test_what_to_write_instead_clears_the_hazard_in_one_round_and_fits_the_phases(
    shop: BaseDatabaseWrapper, app_of: AppOf, pair: Pair
) -> None:
    app, texts = offers(shop, app_of, pair)
    # Some say in SQL what to write in the place of SQL, and some have no other way.
    for text in (text for text in texts if "migrations" in text):
        assert not {pair.code, *SECOND_ROUND} & codes_in(shop, app, text), text
        with override_settings(AUTO_MIGRATE={"PHASES": True}):
            assert not {"AM505", "AM506"} & codes_in(shop, app, text), text


def library_state() -> ProjectState:
    """Return the library as it is before the plan."""
    state = ProjectState()
    for step in library():
        step.state_forwards(APP, state)
    assert state.apps
    return state


def offered(connection: BaseDatabaseWrapper, *operations: Operation, **options: Any) -> dict[str, str]:
    """Return the code that the hazards of one migration of the library offer."""
    migration = type("Next", (Migration,), {"operations": list(operations), **options})("0002_next", APP)
    return {code: found.instead for code, found in judged(connection, library_state(), migration) if found.instead}


@on_one_server
@pytest.mark.parametrize("options", [{}, {"db_column": "age"}], ids=["another column", "the same column"])
def test_a_number_that_becomes_a_foreign_key_has_one_answer(shop: BaseDatabaseWrapper, options: dict[str, Any]) -> None:
    becoming = migrations.AlterField("Author", "age", to("Book", null=True, related_name="+", **options))
    [(_code, text)] = offered(shop, becoming).items()
    codes = {code for code, _found in judged(shop, library_state(), *migrations_of(text, APP))}
    assert codes == {"AM113"}, text


@on_one_server
def test_the_keys_of_a_renamed_model_are_left_to_the_answer_for_its_name(shop: BaseDatabaseWrapper) -> None:
    texts = offered(shop, migrations.RenameModel("Author", "Writer"))
    assert "AM106" not in texts
    assert "AM106" not in {code for code, _ in judged(shop, library_state(), *migrations_of(texts["AM402"], APP))}
    assert "AM106" not in offered(shop, migrations.RenameField("Loan", "reader", "lender"))


@on_one_server
def test_an_index_that_the_model_is_to_declare_has_a_name_that_fits(shop: BaseDatabaseWrapper) -> None:
    field = to("Publisher", null=True, related_name="+")
    text = offered(shop, migrations.AddField("Author", "publisher_of_the_first_edition", field))["AM109"]
    *_others, built = (step.operations[0] for step in migrations_of(text, APP))
    assert isinstance(built, migrations.AddIndex)
    assert len(built.index.name) == built.index.max_name_length


@on_one_server
def test_what_waits_for_the_old_code_loses_none_of_its_operations(shop: BaseDatabaseWrapper) -> None:
    build = "CREATE UNIQUE INDEX CONCURRENTLY words ON library_tag (word)"
    take = "ALTER TABLE library_tag ADD CONSTRAINT words UNIQUE USING INDEX words"
    operations = [migrations.RunSQL(sql, migrations.RunSQL.noop) for sql in (build, take)]
    both = offered(shop, *operations, atomic=False)["AM405"]
    assert 'phase = "post_deploy"' in both
    assert "operations" not in both
    alone = offered(shop, operations[0], atomic=False)["AM405"]
    assert "atomic = False" in alone


@on_one_server
def test_a_text_is_told_which_index_it_goes_without(shop: BaseDatabaseWrapper) -> None:
    unique = migrations.AlterField("Tag", "word", models.CharField(max_length=30, unique=True))
    indexed = migrations.AlterField("Tag", "word", models.CharField(max_length=30, db_index=True))
    number = migrations.AlterField("Author", "age", models.IntegerField(null=True, unique=True))
    assert "LIKE" in offered(shop, unique)["AM107"]
    assert "LIKE" in offered(shop, indexed)["AM109"]
    assert "LIKE" not in offered(shop, number)["AM107"]


@on_one_server
def test_old_rows_are_filled_with_the_default_in_batches(shop: BaseDatabaseWrapper) -> None:
    text = offered(shop, migrations.AlterField("Author", "age", models.IntegerField(default=7)))["AM104"]
    assert "batch.filter(age__isnull=True)" in text
    assert "update(age=7)" in text
    assert not {"AM104", *SECOND_ROUND} & {code for code, _ in judged(shop, library_state(), *migrations_of(text, APP))}


@on_one_server
@pytest.mark.parametrize("filling", [{"default": 3}, {"db_default": 3}], ids=["default", "db_default"])
def test_a_column_with_a_check_fills_old_rows_as_the_field_does(
    shop: BaseDatabaseWrapper, filling: dict[str, Any]
) -> None:
    text = offered(shop, migrations.AddField("Author", "rank", models.PositiveIntegerField(**filling)))["AM105"]
    assert "integer DEFAULT 3 NOT NULL" in text
    codes = {code for code, _ in judged(shop, library_state(), *migrations_of(text, APP))}
    assert not {"AM105", "AM403", *SECOND_ROUND} & codes
