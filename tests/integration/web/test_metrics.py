"""Metrics are read from the database when they are scraped."""

from __future__ import annotations

import uuid

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from prometheus_client import CollectorRegistry

from auto_migrate.history.store import History
from auto_migrate.reporting.metrics import SchemaCollector
from auto_migrate.values import RunStatus

pytestmark = pytest.mark.django_db(transaction=True)

DEFAULT = {"database": "default"}


@pytest.fixture
def registry() -> CollectorRegistry:
    """Return a registry with the collector in it."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(SchemaCollector())
    return registry


def test_state_and_pending_migrations_are_told(registry: CollectorRegistry) -> None:
    recorder = MigrationRecorder(connection)
    recorder.record_unapplied("sessions", "0001_initial")
    try:
        pending = registry.get_sample_value("auto_migrate_pending_migrations", DEFAULT)
        behind = registry.get_sample_value("auto_migrate_schema_state", {**DEFAULT, "state": "behind"})
    finally:
        recorder.record_applied("sessions", "0001_initial")
    assert (pending, behind) == (1, 1)
    assert registry.get_sample_value("auto_migrate_schema_state", {**DEFAULT, "state": "behind"}) == 0
    assert registry.get_sample_value("auto_migrate_schema_state", {**DEFAULT, "state": "up_to_date"}) == 1


def test_runs_are_counted_and_the_last_one_is_timed(registry: CollectorRegistry) -> None:
    history = History()
    for status in (RunStatus.SUCCEEDED, RunStatus.SUCCEEDED, RunStatus.FAILED):
        run_id = uuid.uuid4()
        history.start(run_id, requested_by="test")
        history.finish(run_id, status, exit_code=0)
    assert registry.get_sample_value("auto_migrate_runs", {**DEFAULT, "status": "succeeded"}) == 2
    assert registry.get_sample_value("auto_migrate_runs", {**DEFAULT, "status": "failed"}) == 1
    last = {**DEFAULT, "status": "failed"}
    duration = registry.get_sample_value("auto_migrate_last_run_duration_seconds", last)
    assert duration is not None
    assert duration >= 0
    assert registry.get_sample_value("auto_migrate_last_run_finished_timestamp_seconds", last)


def test_a_database_that_is_away_is_told_and_breaks_nothing(registry: CollectorRegistry, closed_port: int) -> None:
    assert registry.get_sample_value("auto_migrate_database_up", DEFAULT) == 0
    assert registry.get_sample_value("auto_migrate_pending_migrations", DEFAULT) is None


def test_registering_asks_no_database(closed_port: int) -> None:
    CollectorRegistry(auto_describe=True).register(SchemaCollector())
    assert connection.connection is None
