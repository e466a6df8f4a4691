"""Whoever carries a plan out, what comes out is Django's: schema, rows, records, content types and permissions."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import psycopg
import pytest

from benchmarks import measuring
from benchmarks.apply import Subject, measure, synthetic
from benchmarks.measuring import manage
from corpus.package import SETTINGS_MODULE
from corpus.ways import OURS, STOCK, WAYS, Way
from tests import programs
from tests.manage import ROOT
from tests.servers import PostgreSQL

ODD = Subject("odd", ROOT / "tests/projects/odd")


@pytest.fixture(autouse=True)
def forked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fork what is measured, since nobody looks at how long it takes."""
    monkeypatch.setattr(measuring, "START", programs.start)


def test_all_kinds_of_migrations_end_as_with_djangos_migrate(postgresql: PostgreSQL) -> None:
    # Raises if any of them left the database in another state.
    measure(postgresql, ODD, 1)
    with psycopg.connect(postgresql.url(OURS.database)) as connection:
        # The data migrations write down all models that they see.
        seen = [text for (text,) in connection.execute("SELECT text FROM odd_note ORDER BY id")]
    assert len(seen) == 4
    assert "odd.Author own: ['age', 'books', 'id', 'name', 'user']" in seen[0]
    assert "odd.Writer own: " in seen[-1]
    assert all("plain.Plain plain: ['id', 'text']" in text for text in seen)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("size", [0, 60])
def test_sqlite_ends_as_with_djangos_migrate_down_to_the_order_of_columns(size: int, tmp_path: Path) -> None:
    subject = synthetic(tmp_path, size) if size else ODD
    stock, *others = (dump(subject, way, tmp_path / f"{way.database}.sqlite3") for way in WAYS)
    assert WAYS[0] is STOCK
    assert len([line for line in stock if line.startswith("CREATE TABLE")]) > 10
    for other in others:
        assert other == stock


def dump(subject: Subject, way: Way, path: Path) -> list[str]:
    """Migrate an SQLite database, and return its schema as SQL and its rows."""
    env = {"PYTHONPATH": f"{subject.folder}:{ROOT}", "DATABASE_URL": f"sqlite:///{path}"}
    manage(way.command, settings=SETTINGS_MODULE, env={**env, **({"STOCK": "true"} if way.stock else {})})
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE django_migrations SET applied = ''")
        lines = list(connection.iterdump())
    return [line for line in lines if "auto_migrate_" not in line]
