"""Each hazard is found where it is and not where the safe way was gone, and the safe way leads to the same schema."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.test import override_settings

from auto_migrate.changes.reading import read_plan
from auto_migrate.phases.classify import PhaseClassifier, classify_plan
from auto_migrate.safety.acknowledgements import of_migration
from auto_migrate.safety.hazard import Found, Harm, ServerFacts, note_new
from auto_migrate.safety.hazards import hazards
from tests.manage import ROOT

PACKAGE = "tests.projects.hazards"
PAIRS = sorted(
    path.name for path in Path(ROOT, *PACKAGE.split(".")).iterdir() if path.name.startswith("am") and path.is_dir()
)
PAGES = Path(ROOT, "docs", "hazards")

# Everything that was made, without the names of what may be called as one likes; {app} is a table's own prefix.
SCHEMA = """
    SELECT 'column', class.relname, attname, format_type(atttypid, atttypmod), attnotnull, attidentity, attgenerated,
           pg_get_expr(adbin, adrelid), nullif(attcollation, typcollation)::text
    FROM pg_attribute JOIN pg_class AS class ON class.oid = attrelid JOIN pg_type AS type ON type.oid = atttypid
    LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND attnum > 0 AND NOT attisdropped
    UNION ALL
    SELECT 'constraint', conrelid::regclass::text, contype::text, pg_get_constraintdef(pg_constraint.oid),
           convalidated, '', '', NULL, NULL
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype <> 'n'
    UNION ALL
    SELECT 'index', indrelid::regclass::text, '',
           regexp_replace(pg_get_indexdef(indexrelid), ' INDEX \\S+ ON ', ' ON '), indisvalid, '', '', NULL, NULL
    FROM pg_index JOIN pg_class AS class ON class.oid = indexrelid WHERE relnamespace = 'public'::regnamespace
"""
OWN_NAMES = re.compile(r"\b(hazard|safe)_")

each_pair = pytest.mark.parametrize("pair", PAIRS)
on_one_server = pytest.mark.parametrize("shop_database", ["postgresql"], indirect=True)


def code_of(pair: str) -> str:
    """Return the code that a pair is about, which may have several."""
    return pair.partition("_")[0].upper()


def found_in(connection: BaseDatabaseWrapper, app: str) -> Iterator[tuple[str, Found]]:
    """Return what all hazards find in the migrations of an app after its first, which is carried out before.

    Phases are on where the pair says so by `PHASES = True`: some hazards are none without, and others are none with.
    """
    pair, _dot, label = app.rpartition(".")
    phases = getattr(importlib.import_module(pair), "PHASES", False)
    with override_settings(INSTALLED_APPS=[app], AUTO_MIGRATE={"PHASES": phases}):
        loader = MigrationLoader(None)
        [leaf], [first] = loader.graph.leaf_nodes(label), loader.graph.root_nodes(label)
        carry_out(connection, first)
        plan = [(loader.graph.nodes[key], False) for key in loader.graph.forwards_plan(leaf) if key != first]
        server = ServerFacts("postgresql", (connection.pg_version // 10000,))  # type: ignore[attr-defined]
        new_tables: set[str] = set()
        for migration in classify_plan(
            read_plan(connection, plan, loader.project_state(first)), PhaseClassifier(loader.graph)
        ):
            said = {acknowledgement.code for acknowledgement in of_migration(migration.migration)}
            for code, hazard in hazards().items():
                if code in said:
                    continue
                for found in hazard.look(migration, server, frozenset(new_tables)):
                    yield code, found
            for _operation, change in migration.changes():
                note_new(new_tables, change)


def schema_after(connection: BaseDatabaseWrapper, app: str) -> list[Any]:
    """Carry out all migrations of an app, and return what there is in the database then."""
    with override_settings(INSTALLED_APPS=[app]):
        carry_out(connection)
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE django_migrations")
        cursor.execute(SCHEMA)
        return sorted(OWN_NAMES.sub("app_", repr(row)) for row in cursor.fetchall())


def carry_out(connection: BaseDatabaseWrapper, *targets: tuple[str, str]) -> None:
    """Carry out the migrations that lead to some, or all, from an empty database and as Django does."""
    with connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    executor = MigrationExecutor(connection)
    executor.migrate(targets or executor.loader.graph.leaf_nodes())


@on_one_server
@each_pair
def test_the_hazard_is_found_and_not_on_the_safe_way(shop: BaseDatabaseWrapper, pair: str) -> None:
    code = code_of(pair)
    assert code in {found for found, _text in found_in(shop, f"{PACKAGE}.{pair}.hazard")}
    on_the_safe_way = list(found_in(shop, f"{PACKAGE}.{pair}.safe"))
    assert code not in {found for found, _text in on_the_safe_way}
    if code < "AM2":
        # No way is safe that only holds the traffic up elsewhere.
        assert [
            found for found, _text in on_the_safe_way if found < "AM2" and hazards()[found].harm is Harm.BLOCKS
        ] == []


@on_one_server
@each_pair
def test_the_safe_way_leads_to_the_same_schema(shop: BaseDatabaseWrapper, pair: str) -> None:
    package = importlib.import_module(f"{PACKAGE}.{pair}")
    elsewhere = getattr(package, "ENDS_ELSEWHERE", "")
    if hasattr(package, "REFUSED"):
        with pytest.raises(DatabaseError):
            schema_after(shop, f"{PACKAGE}.{pair}.hazard")
        assert schema_after(shop, f"{PACKAGE}.{pair}.safe")
        return
    hazard, safe = (schema_after(shop, f"{PACKAGE}.{pair}.{side}") for side in ("hazard", "safe"))
    if elsewhere:
        assert hazard != safe, f"{pair} need not say any more: {elsewhere}"
    else:
        assert hazard == safe


@pytest.mark.parametrize("code", list(hazards()))
def test_each_hazard_has_a_pair_and_a_page(code: str) -> None:
    assert code in map(code_of, PAIRS)
    text = (PAGES / f"{code}.md").read_text("utf-8")
    assert text.startswith(f"# {code}")
    assert f'acknowledge("{code}"' in text
