"""The fixtures of `auto_migrate.testing`, which pytest finds by itself where the package is installed.

With `AUTO_MIGRATE_RECORD` in the environment, what the tests send is recorded to the file that it names.

pytest imports it before Django has settings, so that nothing of the package is imported before a test asks for it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from django.apps.registry import Apps

    from auto_migrate.workload.statement_file import StatementFile

# What leaves tests out.
CHOICES = ("keyword", "markexpr", "deselect", "lf", "collectonly", "ignore", "ignore_glob")


def recorded_file() -> StatementFile | None:
    """Return the file to record to, None where nobody asked for one."""
    if not os.environ.get("AUTO_MIGRATE_RECORD"):
        return None
    from auto_migrate.workload.statement_file import StatementFile, path_of_environment

    path = path_of_environment()
    return StatementFile(path) if path else None


def is_worker(config: pytest.Config) -> bool:
    """Return whether this is one of several processes (pytest-xdist), of which another one begins and ends the file."""
    return hasattr(config, "workerinput")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Begin the file anew."""
    if (file := recorded_file()) and not is_worker(session.config):
        file.begin()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Iterator[None]:
    """Record while tests run."""
    from django.conf import settings

    file = recorded_file()
    if file is None or not settings.configured:
        yield
        return
    from auto_migrate.workload.recorder import recording

    with recording(file):
        yield


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Note whether all tests ran and passed."""
    if (file := recorded_file()) and not is_worker(session.config):
        config: Any = session.config
        chosen = [name for name in CHOICES if getattr(config.option, name, None)]
        chosen += [name for name in config.args if "::" in name]
        file.end(complete=exitstatus == 0 and not chosen)


@pytest.fixture
def assert_no_hazards() -> Callable[..., None]:
    """The function of `auto_migrate.testing`: fail if migrations of an app hold hazards nobody has acknowledged."""
    from auto_migrate import testing

    return testing.assert_no_hazards


@pytest.fixture
def no_deploy_lock() -> Iterator[None]:
    """Let nothing take the deploy lock during the test."""
    from auto_migrate import testing

    with testing.no_deploy_lock():
        yield


@pytest.fixture
def migrate_to(transactional_db: None) -> Iterator[Callable[[str, str], Apps]]:
    """Bring the default database to a migration and return the models as they are then; it is brought back at the end.

    Takes the database from pytest-django.
    """
    from auto_migrate import testing

    migrator = testing.Migrator()
    yield migrator.migrate_to
    migrator.finish()
