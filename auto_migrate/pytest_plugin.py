"""The fixtures of `auto_migrate.testing`, which pytest finds by itself where the package is installed.

pytest imports it before Django has settings, so that nothing of the package is imported before a test asks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from django.apps.registry import Apps


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
