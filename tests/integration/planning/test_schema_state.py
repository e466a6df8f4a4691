"""The four states of a database, and how a run ends in each."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.planning import project_changes as changes
from tests.integration.planning.tiny import LATER, Tiny

MIGRATED = {("shop", "0001_initial"), ("shop", "0002_more"), ("stock", "0001_initial"), ("stock", "0002_more")}


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """Return a project whose database is up to date."""
    tiny = Tiny(tmp_path_factory.mktemp("tiny") / "project").write()
    assert tiny.run().code == 0
    return tiny


@pytest.fixture
def tiny(original: Tiny, tmp_path: Path) -> Tiny:
    """Return a copy of the project that may be changed."""
    return original.copy(tmp_path / "copy")


def recorded(tiny: Tiny) -> set[tuple[str, str]]:
    """Return the recorded migrations of the project's own apps."""
    return set(tiny.query("SELECT app, name FROM django_migrations WHERE app IN ('shop', 'stock')"))


def test_an_older_release_starts_with_a_warning_and_changes_nothing(tiny: Tiny) -> None:
    changes.the_last_migration_is_removed(tiny, "shop")
    run = tiny.run()
    assert run.code == 0
    assert "The database is ahead of this release: it also has shop.0002_more" in run.log
    assert recorded(tiny) == MIGRATED


def test_what_an_older_release_still_needs_is_applied_beside_what_it_does_not_know(tiny: Tiny) -> None:
    changes.the_last_migration_is_removed(tiny, "shop")
    changes.a_migration_is_added(tiny, "stock")
    assert tiny.look().long == "behind"
    assert tiny.run().code == 0
    assert tiny.look().long == "ahead"
    assert recorded(tiny) == MIGRATED | {("stock", "0003_next")}


def test_conflicting_leaf_nodes_end_the_run_and_name_themselves(tiny: Tiny) -> None:
    changes.a_conflicting_migration_is_added(tiny, "shop")
    run = tiny.run()
    assert run.code == 7
    assert tiny.look().quick == "diverged"
    assert recorded(tiny) == MIGRATED


def test_a_file_without_its_migration_ends_the_run(tiny: Tiny) -> None:
    tiny.file("shop/migrations/0002_more.py", "")
    assert tiny.run().code == 7
    look = tiny.look()
    assert (look.quick, look.long) == ("diverged", "diverged")
    assert recorded(tiny) == MIGRATED


def test_a_record_without_what_it_depends_on_ends_the_run(tiny: Tiny) -> None:
    tiny.query("DELETE FROM django_migrations WHERE app = 'shop' AND name = '0001_initial'")
    assert tiny.look().long == "diverged"
    assert tiny.run().code == 7
    assert recorded(tiny) == MIGRATED - {("shop", "0001_initial")}


def test_a_squash_is_recorded_where_all_that_it_replaces_is(tiny: Tiny) -> None:
    changes.a_squash_is_added(tiny, "shop")
    run = tiny.run()
    assert run.code == 0
    assert recorded(tiny) == MIGRATED | {("shop", "0001_squashed")}


def test_rows_that_a_pruned_squash_left_behind_are_not_ahead(tiny: Tiny) -> None:
    changes.a_squash_is_added(tiny, "stock")
    assert tiny.run().code == 0
    changes.a_squash_takes_the_place_of_what_it_replaces(tiny, "stock")
    path = tiny.code / "stock/migrations/0001_squashed.py"
    path.write_text("\n".join(line for line in path.read_text().splitlines() if "replaces" not in line))
    assert tiny.look().long == "up_to_date"
    run = tiny.run()
    assert (run.code, "ahead" in run.log) == (0, False)


def test_migrations_that_live_elsewhere_are_found_there(tiny: Tiny) -> None:
    tiny.file("moved/__init__.py", "")
    (tiny.code / "shop/migrations").rename(tiny.code / "moved/steps")
    tiny.settings(MIGRATION_MODULES={"shop": "moved.steps"})
    assert tiny.look().long == "up_to_date"
    tiny.file("moved/steps/0003_next.py", LATER.format(app="shop", attribute="second", number=3))
    assert tiny.look().long == "behind"
    assert tiny.run().code == 0
    assert recorded(tiny) == MIGRATED | {("shop", "0003_next")}
