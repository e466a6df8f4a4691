"""What is compared in speed has ended alike, or there is no figure."""

from __future__ import annotations

import os
from pathlib import Path

import psycopg
import pytest

from benchmarks.apply import WAYS_BACK, Subject, measure, measure_back, synthetic
from corpus.ways import WAYS
from tests.servers import PostgreSQL

MIGRATIONS = 40
BIASED = """
import os
from django.db import migrations

class Migration(migrations.Migration):
    dependencies = [("app00", {last!r}), ("auth", "0001_initial")]
    operations = [migrations.RunSQL({statement} if "STOCK" in os.environ else migrations.RunSQL.noop)]
"""
STATEMENTS = "\"INSERT INTO auth_group (name) VALUES ('stock'); CREATE INDEX biased ON app00_model0 (title)\""


@pytest.fixture
def subject(tmp_path: Path) -> Subject:
    """Return a project that has migrations of every kind."""
    return synthetic(tmp_path, MIGRATIONS)


@pytest.mark.skipif("SWEEP" not in os.environ, reason="measures every way: make sweep")
def test_every_way_carries_out_the_whole_of_the_project(subject: Subject, server: PostgreSQL) -> None:
    (costs,) = measure(server, subject, 1)
    assert set(costs) == set(WAYS)
    assert all(cost.cpu > 0 and cost.wall > 0 and cost.memory > 0 for cost in costs.values())
    for way in WAYS:
        with psycopg.connect(server.url(way.database)) as connection:
            of_its_own = connection.execute("SELECT count(*) FROM django_migrations WHERE app LIKE 'app0%'").fetchone()
            run = connection.execute("SELECT to_regclass('auto_migrate_run') IS NOT NULL").fetchone()
        assert (of_its_own, run) == ((MIGRATIONS,), (not way.stock,))


@pytest.mark.skipif("SWEEP" not in os.environ, reason="measures every way: make sweep")
def test_every_way_takes_the_whole_of_the_project_back(subject: Subject, server: PostgreSQL) -> None:
    (costs,) = measure_back(server, subject, 1)
    assert set(costs) == set(WAYS_BACK)
    for way in WAYS_BACK:
        with psycopg.connect(server.url(way.database)) as connection:
            left = connection.execute("SELECT count(*) FROM django_migrations WHERE app = 'app00'").fetchone()
        assert left == (0,)


@pytest.mark.skipif("SWEEP" not in os.environ, reason="measures every way: make sweep")
def test_a_project_that_ends_differently_is_no_measurement(subject: Subject, server: PostgreSQL) -> None:
    migrations = subject.folder / "app00/migrations"
    last = max(path.stem for path in migrations.glob("0*.py"))
    (migrations / "9999_biased.py").write_text(BIASED.format(last=last, statement=STATEMENTS))
    told = r"in another state than `migrate`: .*rows of auth_group.*CREATE INDEX biased"
    with pytest.raises(RuntimeError, match=told):
        measure(server, subject, 1)
