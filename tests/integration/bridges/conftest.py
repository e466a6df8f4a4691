"""A shop of two releases, of which the first is out."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from tests.integration.bridges.releases import ID, Release, Twins, releases
from tests.servers import PostgreSQL

OLD = """
class Order(models.Model):
    note = models.CharField(max_length=50)
"""
NEW = f"{OLD}    place = models.IntegerField(default=7)\n"
FIRST = {"0001_initial": f'migrations.CreateModel("Order", [{ID}, ("note", models.CharField(max_length=50))])'}
SECOND = {**FIRST, "0002_place": 'migrations.AddField("Order", "place", models.IntegerField(default=7))'}


@pytest.fixture
def twins(request: pytest.FixtureRequest) -> Iterator[Twins]:
    """Return databases for us and for Django, on the server whose fixture is named, or on the newest."""
    with Twins.made(request.getfixturevalue(getattr(request, "param", "postgresql"))) as both:
        yield both


@pytest.fixture(scope="module")
def shop(postgresql: PostgreSQL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Release, Release]]:
    """Return both, on a database to be copied on which the first is out."""
    name, folder = f"bridged_{uuid.uuid4().hex[:12]}", tmp_path_factory.mktemp("shop")
    url = postgresql.create_database(name)
    with releases(Release(folder / "1", url, OLD, FIRST), Release(folder / "2", url, NEW, SECOND)) as (old, new):
        old.migrated("v1")
        yield old, new
    postgresql.drop_database(name)


@pytest.fixture
def url(shop: tuple[Release, Release], postgresql: PostgreSQL) -> Iterator[str]:
    """Return a database on which the first release is out."""
    name = f"bridged_{uuid.uuid4().hex[:12]}"
    yield postgresql.create_database(name, shop[0].url.rpartition("/")[2])
    postgresql.drop_database(name)


@pytest.fixture
def old(shop: tuple[Release, Release], url: str) -> Release:
    """Return the release that is running."""
    return shop[0].on(url)


@pytest.fixture
def new(shop: tuple[Release, Release], url: str) -> Release:
    """Return the one that has a new column."""
    return shop[1].on(url)
