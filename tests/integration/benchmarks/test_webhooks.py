"""Deliveries are measured only where each was answered well, and what the database was asked is that of its log."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmarks import webhooks
from benchmarks.measuring import manage
from tests.servers import PostgreSQL, Redis

LOG = """
2026-11-30 LOG:  statement: BEGIN
2026-11-30 LOG:  execute <unnamed>: INSERT INTO "webhooks_payment" AS kept ("gateway") VALUES ($1)
2026-11-30 DETAIL:  Parameters: $1 = 'ghostpay'
2026-11-30 LOG:  statement: COMMIT
"""


def test_statements_are_named_by_verb_and_table() -> None:
    assert webhooks.work(LOG) == ["`BEGIN`", "`INSERT payment`", "`COMMIT`"]


@pytest.mark.skipif("SWEEP" not in os.environ, reason="measures every way: make sweep")
def test_every_kind_is_measured_and_a_bad_answer_is_no_measurement(
    tmp_path: Path, server: PostgreSQL, redis_server: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "SECONDS", 0.2)
    monkeypatch.setattr(webhooks, "ROUNDS", 1)
    url = server.create_database(webhooks.DATABASE)
    manage("auto_migrate", settings=webhooks.SETTINGS, env={"DATABASE_URL": url, "REDIS_URL": redis_server.url()})
    with webhooks.served(url, redis_server, tmp_path) as (port, master):
        found = webhooks.measure(port, master)
        assert all(figure.requests > 0 for figures in found.values() for figure in figures)
        assert webhooks.rows(found)[0][1] == "1.00"
        listed = {row[0]: row[1] for row in webhooks.statements(port, server)}
        assert listed["a new PIX payment"].count("INSERT") == 3
        assert listed["a new PIX payment"].count("COMMIT") == 1
        with pytest.raises(RuntimeError, match=r"answered b'HTTP/1\.1 404"):
            webhooks.load(port, webhooks.Kind("nothing", "/nothing/", webhooks.new_pix), master)
