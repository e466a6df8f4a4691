"""A server of the benchmarks' own, as they have: they drop and make databases by fixed names."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from benchmarks import measuring
from tests import programs
from tests.servers import PostgreSQL


@pytest.fixture(autouse=True)
def forked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fork what is measured, since nobody looks at how long it takes."""
    monkeypatch.setattr(measuring, "START", programs.start)


@pytest.fixture(scope="session")
def server() -> Iterator[PostgreSQL]:
    """Serve PostgreSQL with what the benchmark of readiness counts in its log."""
    with PostgreSQL(log_statement="all", log_connections="on") as started:
        yield started


@pytest.fixture
def database(server: PostgreSQL) -> Iterator[str]:
    """Return the name of an empty database."""
    server.create_database("empty")
    yield "empty"
    server.drop_database("empty")
