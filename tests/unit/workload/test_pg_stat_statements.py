"""What rows of pg_stat_statements tell, and for which reasons they may not tell all."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any

import pytest

from auto_migrate.workload.pg_stat_statements import HIDDEN, Counting, workload_of

NOW = datetime.datetime(2026, 3, 2, 14, 0, tzinfo=datetime.UTC)
COUNTING = Counting(NOW - datetime.timedelta(days=2), NOW, forgotten=0, tracks=True, knows_what_it_forgot=True)
ROWS: list[tuple[str | None, int, list[str]]] = [
    ("SELECT note FROM shop_order WHERE id = $1", 1204, ["web"]),
    ("SELECT note FROM shop_order WHERE id = $1 -- by hand", 1, ["ana"]),
    ('DECLARE "_django_curs_1" NO SCROLL CURSOR WITH HOLD FOR SELECT city FROM shop_order WHERE id = 7', 3, ["web"]),
    ("PREPARE p (int) AS SELECT total FROM shop_order WHERE id = $1", 2, ["web"]),
    ("COPY shop_order (id) FROM STDIN", 1, ["import"]),
    # Nothing of the release's own.
    ("BEGIN", 9, ["web"]),
    ("SET search_path = x", 9, ["web"]),
    ("CREATE INDEX i ON shop_order (note)", 1, ["deploy"]),
    ("INSERT INTO django_migrations (app) VALUES ($1)", 1, ["deploy"]),
    ("SELECT status FROM auto_migrate_run", 1, ["deploy"]),
    ('SELECT count(*) FROM (SELECT $1 FROM "shop_order" LIMIT $2) AS counted', 1, ["deploy"]),
    ("SELECT relname FROM pg_class", 1, ["deploy"]),
    ("SELECT pg_try_advisory_xact_lock($1)", 1, ["deploy"]),
    ('SELECT $2 FROM ONLY "public"."a" x WHERE "id" OPERATOR(pg_catalog.=) $1 FOR KEY SHARE OF x', 5, ["web"]),
    ("COPY public.shop_order (id, note) TO stdout", 1, ["backup"]),
]


def test_what_the_release_sends_is_told_apart_from_all_else() -> None:
    found = workload_of(ROWS, COUNTING)
    assert [(one.text, one.calls, one.roles) for one in found.statements] == [
        ("SELECT note FROM shop_order WHERE id = $1", 1205, ("web", "ana")),
        ("SELECT city FROM shop_order WHERE id = $1", 3, ("web",)),
        ("SELECT total FROM shop_order WHERE id = $1", 2, ("web",)),
        ("COPY shop_order (id) FROM STDIN", 1, ("import",)),
    ]
    assert found.source == "pg_stat_statements, counting since 2026-02-28 14:00 UTC"
    assert found.gaps == ()


@pytest.mark.parametrize(
    ("change", "gap"),
    [
        ({"since": NOW - datetime.timedelta(hours=23)}, "the server has counted for less than a day"),
        ({"forgotten": 1}, "has forgotten statements"),
        ({"knows_what_it_forgot": False}, "has forgotten statements"),
        ({"tracks": False}, "pg_stat_statements.track is none"),
    ],
)
def test_a_list_that_may_lack_some_says_so(change: dict[str, Any], gap: str) -> None:
    [found] = workload_of(ROWS, dataclasses.replace(COUNTING, **change)).gaps
    assert gap in found


@pytest.mark.parametrize("text", [None, HIDDEN, "SELECT " + "x" * 1_000_001])
def test_a_text_that_cannot_be_read_is_a_gap(text: str | None) -> None:
    [gap] = workload_of([*ROWS, (text, 1, ["web"])], COUNTING).gaps
    assert gap == "the text of 1 statement cannot be read (GRANT pg_read_all_stats)"
