"""Commands that are said to find nothing to do have looked, and have changed nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.noop import OURS, WAYS, prepared
from benchmarks.synthetic import Synthetic
from tests.servers import PostgreSQL

MIGRATIONS = 20
DATABASE = f"noop_{MIGRATIONS}_0"


@pytest.fixture
def project(tmp_path: Path) -> Synthetic:
    """Write a small project."""
    return Synthetic(tmp_path / "project", MIGRATIONS)


def test_each_command_leaves_the_database_as_it_was(project: Synthetic, server: PostgreSQL) -> None:
    with prepared(server, project) as urls:
        assert all(way.run(project, urls).cpu > 0 for way in WAYS)


def test_a_run_that_changed_something_is_no_measurement(project: Synthetic, server: PostgreSQL) -> None:
    with pytest.raises(RuntimeError, match=f"changed {DATABASE}: rows of django_migrations"), prepared(server, project):
        server.execute("DELETE FROM django_migrations WHERE name = '0020_step'", database=DATABASE)


def test_a_run_that_found_something_to_do_is_no_measurement(project: Synthetic, server: PostgreSQL) -> None:
    unrecord = "DELETE FROM django_migrations WHERE app = 'auth' AND name LIKE '0012%'"
    with prepared(server, project) as urls:
        server.execute(unrecord, database=DATABASE)
        with pytest.raises(RuntimeError, match="did not say 'No migrations to apply"):
            OURS.run(project, urls)
