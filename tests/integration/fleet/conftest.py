"""Projects with tenants, each on a database of its own."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.fleet.tenanted import Tenanted
from tests.servers import PostgreSQL

NAMES = ("acme", "beta", "gamma", "delta")


@pytest.fixture(scope="session")
def of_four(postgresql: PostgreSQL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of a database with four tenants of django-tenants that are up to date, to be copied."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    project = Tenanted(tmp_path_factory.mktemp("four"), postgresql.create_database(name), "django_tenants")
    assert project.run("auto_migrate").code == 0
    project.tenants(NAMES[0])
    done = project.run("auto_migrate")
    assert done.code == 0, done.text
    project.copies(*NAMES[1:], of=NAMES[0])
    # Nothing of the server's own looks into it while it is copied, which is refused then.
    postgresql.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
    yield name
    postgresql.drop_database(name)


@pytest.fixture
def tenanted(postgresql: PostgreSQL, of_four: str, tmp_path: Path) -> Iterator[Tenanted]:
    """A project of django-tenants with four tenants."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    yield Tenanted(tmp_path, postgresql.create_database(name, of_four), "django_tenants")
    postgresql.drop_database(name)
