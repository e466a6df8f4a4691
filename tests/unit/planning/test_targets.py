"""What a run is asked to reach, told as Django's `migrate` tells it."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from pytest_django import Settings

from auto_migrate.exceptions import UsageError
from auto_migrate.planning.targets import Goal, Target
from auto_migrate.values import MigrationKey, Node


@pytest.fixture(autouse=True)
def squashed(settings: Settings) -> None:
    """Let the app `sessions` have two migrations, the squash of both, and a third."""
    settings.MIGRATION_MODULES = {"sessions": "tests.projects.depot.squashed"}


@pytest.fixture
def loader() -> MigrationLoader:
    """Read the files alone."""
    return MigrationLoader(None)


SQUASH = ("sessions", "0001_squashed_0002_second")
THIRD = ("sessions", "0003_third")


def test_without_an_app_everything_is_the_goal(loader: MigrationLoader) -> None:
    targets = Goal().targets(loader)
    assert targets == loader.graph.leaf_nodes()
    assert THIRD in targets
    assert Goal().key(targets) is None


def test_an_app_alone_means_its_leaf_nodes(loader: MigrationLoader) -> None:
    goal = Goal("sessions")
    assert goal.targets(loader) == [THIRD]
    assert goal.key([THIRD]) is None


@pytest.mark.parametrize(
    ("prefix", "target"),
    [
        ("0003", THIRD),
        ("0003_third", THIRD),
        ("0001_squashed", SQUASH),
        ("0001_squashed_0002_second", SQUASH),
        ("zero", ("sessions", None)),
    ],
)
def test_a_migration_is_named_by_how_it_begins(prefix: str, target: Target, loader: MigrationLoader) -> None:
    goal = Goal("sessions", prefix)
    assert goal.targets(loader) == [target]
    assert goal.key([target]) == MigrationKey("sessions", target[1] or "zero")


@pytest.mark.parametrize(
    ("app_label", "name", "error", "hint"),
    [
        (
            "shop",
            None,
            "No installed app with label 'shop'.",
            "Choose an app of INSTALLED_APPS: manage.py showmigrations",
        ),
        ("sessions.0001", None, "No installed app with label 'sessions.0001'.", "apart: sessions 0001"),
        ("shop.0001", None, "No installed app with label 'shop.0001'.", "Choose an app of INSTALLED_APPS"),
        ("messages", None, "App 'messages' does not have migrations.", "manage.py showmigrations"),
        ("messages", "0001", "App 'messages' does not have migrations.", "manage.py showmigrations"),
        ("sessions", "0001", "More than one migration of 'sessions' begins with '0001'.", "showmigrations sessions"),
        ("sessions", "", "More than one migration of 'sessions' begins with ''.", "showmigrations sessions"),
        ("sessions", "0009", "No migration of 'sessions' begins with '0009'.", "showmigrations sessions"),
        ("sessions", "ZERO", "No migration of 'sessions' begins with 'ZERO'.", "showmigrations sessions"),
    ],
)
def test_a_name_that_means_nothing_is_refused_with_what_to_type(
    app_label: str, name: str | None, error: str, hint: str, loader: MigrationLoader
) -> None:
    with pytest.raises(UsageError) as refused:
        Goal(app_label, name).targets(loader)
    assert refused.value.message == error
    assert hint in refused.value.hint
    # What is to be typed is copied to the end of the line.
    assert not refused.value.hint.endswith(".")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("recorded", "prefix", "target"),
    [
        (["0001_first"], "0001_first", ("sessions", "0001_first")),
        # A squash that is applied by half is not in the graph: its last part stands for it.
        (["0001_first"], "0001_squashed", ("sessions", "0002_second")),
        (["0001_first", "0002_second"], "0001_squashed", SQUASH),
        ([], "0001_squashed", SQUASH),
    ],
)
def test_a_squash_stands_for_its_parts_unless_it_is_applied_by_half(
    recorded: list[str], prefix: str, target: Node
) -> None:
    recorder = MigrationRecorder(connection)
    recorder.migration_qs.filter(app="sessions").delete()
    for name in recorded:
        recorder.record_applied("sessions", name)
    assert Goal("sessions", prefix).targets(MigrationLoader(connection)) == [target]
