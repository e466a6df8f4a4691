"""Projects whose apps a test writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.fallback.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Return an empty project on SQLite."""
    return Project(tmp_path)


@pytest.fixture
def on_postgresql(tmp_path: Path, database_url: str) -> Project:
    """Return an empty project on PostgreSQL."""
    return Project(tmp_path, database_url)


@pytest.fixture(params=["project", "on_postgresql"])
def anywhere(request: pytest.FixtureRequest) -> Project:
    """Return an empty project on each."""
    project: Project = request.getfixturevalue(request.param)
    return project
