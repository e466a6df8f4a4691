"""Databases in every state that a command can find."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.servers import PostgreSQL


@pytest.fixture
def ahead_url(postgresql: PostgreSQL, migrated_url: str) -> str:
    """Return the URL of a database that a newer release has migrated."""
    postgresql.execute(
        "INSERT INTO django_migrations (app, name, applied) VALUES ('webhooks', '0999_newer', now())",
        database=name_of(migrated_url),
    )
    return migrated_url


@pytest.fixture
def diverged_url(postgresql: PostgreSQL, migrated_url: str) -> str:
    """Return the URL of a database whose record lacks what later migrations build on."""
    postgresql.execute(
        "DELETE FROM django_migrations WHERE app = 'auth' AND name = '0001_initial'", database=name_of(migrated_url)
    )
    return migrated_url


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """Return the file that the last migration of the noisy project waits for."""
    return tmp_path / "gate"


def name_of(url: str) -> str:
    """Return the name of a database."""
    return urlsplit(url).path.lstrip("/")
