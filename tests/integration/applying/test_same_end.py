"""Whoever carries a plan out, what comes out is Django's: schema, rows, records, content types and permissions."""

from __future__ import annotations

import psycopg

from benchmarks.apply import OURS, Subject, measure
from tests.manage import ROOT
from tests.servers import PostgreSQL

ODD = Subject("odd", ROOT / "tests/projects/odd")


def test_all_kinds_of_migrations_end_as_with_djangos_migrate(postgresql: PostgreSQL) -> None:
    # Raises if any of them left the database in another state; the data migrations write down all models they saw.
    measure(postgresql, ODD, 1)
    with psycopg.connect(postgresql.url(OURS.database)) as connection:
        seen = [text for (text,) in connection.execute("SELECT text FROM odd_note ORDER BY id")]
    assert len(seen) == 4
    assert "odd.Author own: ['age', 'book', 'id', 'name', 'user']" not in seen[0]
    assert "odd.Author own: " in seen[0]
    assert "odd.Writer own: " in seen[-1]
    assert all("plain.Plain plain: ['id', 'text']" in text for text in seen)
