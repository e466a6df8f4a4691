"""Squashes that another tool was killed in while it recorded them."""

from __future__ import annotations

import psycopg
import pytest

from tests.manage import run_manage

SETTINGS = "tests.projects.sweep.settings"


def run(*arguments: str, url: str) -> str:
    done = run_manage(*arguments, database_url=url, settings=SETTINGS)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def forget(url: str, *names: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("DELETE FROM django_migrations WHERE app = 'library' AND name = ANY(%s)", [list(names)])


@pytest.fixture
def squashed(database_url: str) -> str:
    """Return a database with the squash applied and recorded, and nothing else of that app."""
    run("migrate", "library", "0001_squashed_0002_book", url=database_url)
    return database_url


def test_a_squash_recorded_by_half_is_completed(squashed: str) -> None:
    forget(squashed, "0002_book", "0001_squashed_0002_book")
    output = run("auto_migrate", url=squashed)
    assert "Completed the record of library.0001_squashed_0002_book" in output
    assert "Applying library.0002_book" not in output
    assert "No migrations to apply." in run("auto_migrate", url=squashed)


def test_stock_django_would_have_failed(squashed: str) -> None:
    """The test above proves something only while this holds."""
    forget(squashed, "0002_book", "0001_squashed_0002_book")
    done = run_manage("migrate", database_url=squashed, settings=SETTINGS)
    assert done.returncode == 1
    assert "already exists" in done.stderr


def test_a_squash_that_is_applied_by_half_is_left_to_django(squashed: str) -> None:
    """The database of somebody who stopped at the first migration before there was a squash."""
    with psycopg.connect(squashed) as connection:
        connection.execute("DROP TABLE library_book; ALTER TABLE library_author DROP COLUMN works")
    forget(squashed, "0002_book", "0001_squashed_0002_book")
    output = run("auto_migrate", url=squashed)
    assert "Completed" not in output
    assert "Applying library.0002_book... OK" in output
