from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.forks import Nursery
from tests.integration.own_database import connection, own_database
from tests.runners import Deploy
from tests.servers import PostgreSQL

__all__ = ["connection", "deploy", "nursery", "own_database"]


@pytest.fixture(scope="module")
def nursery(postgresql: PostgreSQL) -> Iterator[Nursery]:
    """Return runners of the project whose operations can be cut."""
    with Nursery("tests.projects.cut.settings", postgresql.url(), {"AUTO_MIGRATE_RETRY_DELAY": "0.2"}) as nursery:
        yield nursery


@pytest.fixture
def deploy(nursery: Nursery, database_url: str) -> Deploy:
    """Return deploys of that project to an empty database."""
    return Deploy(nursery, database_url)
