"""Views that are compared in speed have all answered 200, and have changed nothing."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks import readiness
from benchmarks.measuring import manage
from benchmarks.synthetic import Synthetic
from tests.servers import PostgreSQL

# The peer has an environment of its own that is as large as all the rest.
PATHS = ["/empty/", "/ready/", "/rebuilt/"]


@pytest.fixture
def project(tmp_path: Path, server: PostgreSQL, monkeypatch: pytest.MonkeyPatch) -> Synthetic:
    """Return a small project whose database is up to date; each view is asked for a moment only."""
    monkeypatch.setattr(readiness, "SECONDS", 0.2)
    monkeypatch.setattr(readiness, "ROUNDS", 2)
    project = Synthetic(tmp_path, 4)
    server.drop_database(readiness.DATABASE)
    url = server.create_database(readiness.DATABASE)
    manage("auto_migrate", settings=project.settings, env={**project.env, "DATABASE_URL": url})
    return project


def test_every_view_is_measured_and_the_database_is_as_before(project: Synthetic, server: PostgreSQL) -> None:
    found = readiness.measure(project, server, PATHS, 600, Path(sys.executable))
    assert {path: len(figures) for path, figures in found.items()} == dict.fromkeys(PATHS, 2)
    assert all(figure.requests > 0 for figures in found.values() for figure in figures)
    assert next(row[1] for row in readiness.rows(found)) == "1.00"


def test_a_view_that_does_not_answer_200_is_no_measurement(project: Synthetic, server: PostgreSQL) -> None:
    server.execute("DELETE FROM django_migrations WHERE name = '0004_step'", database=readiness.DATABASE)
    with pytest.raises(RuntimeError, match="/ready/ did not answer with 200"):
        readiness.measure(project, server, PATHS[:2], 600, Path(sys.executable))
