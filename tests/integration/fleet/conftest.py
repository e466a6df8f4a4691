"""Projects with tenants, each on an empty database of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.fleet.tenanted import Tenanted

PACKAGES = ["django_tenants", "django_pgschemas", "own"]


@pytest.fixture(params=PACKAGES)
def every_kind(request: pytest.FixtureRequest, tmp_path: Path, database_url: str) -> Tenanted:
    """A project of each package in turn, and of one that does without."""
    return Tenanted(tmp_path, database_url, request.param)


@pytest.fixture
def tenanted(tmp_path: Path, database_url: str) -> Tenanted:
    """A project of django-tenants."""
    return Tenanted(tmp_path, database_url, "django_tenants")
