"""What platforms ask: is it alive, is it ready, how is it."""

from __future__ import annotations

import datetime
import threading
from typing import Any

import pytest
from django.db import connection, connections
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from pytest_django import Settings

from auto_migrate.web import health, single_flight
from tests.integration.web.conftest import BASE, TOKEN
from tests.servers import Proxy

pytestmark = pytest.mark.django_db(transaction=True)

HERE = "tests.integration.web.test_probes"
release_the_hung = threading.Event()


def fine() -> dict[str, Any]:
    return {"latency": 1.5, "since": datetime.date(2026, 1, 1)}


def broken() -> dict[str, Any]:
    raise ConnectionError("redis://user:hunter2@cache.internal refused")


def critical() -> dict[str, Any]:
    return {"status": "unhealthy", "disk": "full"}


def of_no_known_status() -> dict[str, Any]:
    return {"status": "so-so"}


def no_dict() -> int:
    return 7


def hangs() -> dict[str, Any]:
    release_the_hung.wait()
    return {}


def with_checks(settings: Settings, *names: str) -> None:
    settings.AUTO_MIGRATE = {"TOKEN": TOKEN, "HEALTH_CHECKS": {name: f"{HERE}.{name}" for name in names}}


@pytest.fixture
def behind() -> Any:
    """Take one migration out of the record, and put it back."""
    recorder = MigrationRecorder(connection)
    recorder.record_unapplied("sessions", "0001_initial")
    yield
    recorder.record_applied("sessions", "0001_initial")


def get(path: str) -> tuple[int, dict[str, Any]]:
    response = Client().get(f"{BASE}/{path}/")
    assert response["Cache-Control"] == "no-store"
    return response.status_code, response.json()


def test_an_up_to_date_service_is_healthy_ready_and_alive(settings: Settings) -> None:
    settings.AUTO_MIGRATE = {"RELEASE": "v42"}
    status, content = get("health")
    assert status == 200
    assert datetime.datetime.fromisoformat(content.pop("timestamp")).tzinfo
    assert content.pop("processing_time_ms") > 0
    assert content == {
        "status": "healthy",
        "database": {"status": "connected", "vendor": "postgresql"},
        "migrations": {"state": "up_to_date", "pending": 0, "bridges": []},
        "backfills": {},
        "checks": {},
        "release": "v42",
    }
    assert get("ready") == (200, {"status": "ready"})
    assert get("live") == (200, {"status": "alive"})


def test_a_database_behind_keeps_traffic_away_without_a_restart(behind: None) -> None:
    assert get("ready") == (503, {"status": "not_ready", "reason": "behind"})
    status, content = get("health")
    assert (status, content["status"]) == (200, "degraded")
    assert content["migrations"] == {"state": "behind", "pending": 1, "bridges": []}


def test_a_database_ahead_is_served() -> None:
    recorder = MigrationRecorder(connection)
    recorder.record_applied("sessions", "0099_from_a_newer_release")
    try:
        assert get("ready")[0] == 200
        status, content = get("health")
    finally:
        recorder.record_unapplied("sessions", "0099_from_a_newer_release")
    assert (status, content["status"], content["migrations"]["state"]) == (200, "healthy", "ahead")


def test_an_unreachable_database_is_told_without_saying_where_it_is(closed_port: int) -> None:
    assert get("ready") == (503, {"status": "not_ready", "reason": "database_unreachable"})
    status, content = get("health")
    assert (status, content["status"]) == (503, "unhealthy")
    assert content["database"] == {"status": "unreachable", "vendor": "postgresql"}
    assert content["migrations"] == {"state": "unknown", "pending": None}
    assert str(closed_port) not in str(content)


def test_a_wrong_password_is_told_apart(elsewhere: dict[str, Any], postgresql: Any) -> None:
    elsewhere["NAME"] = "no_such_database"
    status, content = get("health")
    assert (status, content["database"]["status"]) == (503, "refused")
    assert "no_such_database" not in str(content)


def test_a_probe_never_asks_an_unreachable_database_for_a_transaction(
    elsewhere: dict[str, Any], closed_port: int
) -> None:
    elsewhere["ATOMIC_REQUESTS"] = True
    assert get("live")[0] == 200
    assert get("ready")[1]["reason"] == "database_unreachable"


def test_a_database_that_hangs_does_not_hang_the_probe(frozen: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "BUDGET", 0.05)
    for _ in range(3):
        assert get("ready") == (503, {"status": "not_ready", "reason": "database_unreachable"})
    assert get("health")[1]["database"]["status"] == "timeout"
    hung = [thread for thread in threading.enumerate() if thread.name.startswith("auto_migrate")]
    assert 1 <= len(hung) <= single_flight.LIMIT, "a few questions are asked anew, and no more"
    frozen.thaw()
    for thread in hung:
        thread.join()
    monkeypatch.setattr(health, "BUDGET", 8.0)
    assert get("ready")[0] == 200


def test_a_probe_is_right_again_as_soon_as_the_network_is(proxied: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was under way when the network swallowed it is never answered, and nobody goes on waiting for it."""
    assert get("ready")[0] == 200
    health._news.clear()
    monkeypatch.setattr(health, "BUDGET", 1.0)
    proxied.swallow()
    assert get("ready") == (503, {"status": "not_ready", "reason": "database_unreachable"})
    proxied.restore()
    monkeypatch.setattr(health, "BUDGET", 8.0)
    assert get("ready")[0] == 200
    assert get("health")[0] == 200


def test_a_probe_over_a_connection_that_hangs_asks_anew(proxied: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "BUDGET", 4.0)
    assert get("ready")[0] == 200
    health._news.clear()
    proxied.strand()
    assert get("ready")[0] == 200
    hung = [thread for thread in threading.enumerate() if thread.name.startswith("auto_migrate")]
    for thread in hung:
        thread.join(10)
    assert not any(thread.is_alive() for thread in hung), "the wait was ended, and not only left behind"


def test_a_probe_uses_the_connection_that_the_process_has() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        before = cursor.fetchone()
    assert get("ready")[0] == 200
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid(), count(*) FROM pg_stat_activity WHERE datname = current_database()")
        pid, connected = cursor.fetchone()
    assert ((pid,), connected) == (before, 1)


def test_checks_of_the_project_are_shown_as_they_answer(settings: Settings) -> None:
    with_checks(settings, "fine")
    status, content = get("health")
    assert (status, content["status"]) == (200, "healthy")
    assert content["checks"] == {"fine": {"latency": 1.5, "since": "2026-01-01", "status": "healthy"}}


def test_a_check_that_fails_degrades_and_keeps_its_secrets(settings: Settings) -> None:
    with_checks(settings, "fine", "broken", "no_dict", "of_no_known_status")
    status, content = get("health")
    assert (status, content["status"]) == (200, "degraded")
    assert content["checks"]["broken"] == {"status": "degraded", "error": "ConnectionError"}
    assert content["checks"]["no_dict"] == {"status": "degraded", "error": "TypeError"}
    assert content["checks"]["of_no_known_status"] == {"status": "degraded"}
    assert content["checks"]["fine"]["status"] == "healthy"


def test_a_check_may_say_that_the_service_cannot_work(settings: Settings) -> None:
    with_checks(settings, "critical")
    status, content = get("health")
    assert (status, content["status"]) == (503, "unhealthy")
    assert content["checks"]["critical"] == {"status": "unhealthy", "disk": "full"}


def test_a_check_that_hangs_is_given_up(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "BUDGET", 2.0)  # for the others to be answered in, on a busy machine too
    with_checks(settings, "hangs", "fine")
    try:
        status, content = get("health")
    finally:
        release_the_hung.set()
    assert (status, content["status"]) == (200, "degraded")
    assert content["checks"]["hangs"] == {"status": "degraded", "error": "timeout"}
    assert content["checks"]["fine"]["status"] == "healthy"
    assert content["database"]["status"] == "connected"


def test_the_checks_of_sms_sender_are_under_their_names(settings: Settings) -> None:
    settings.AUTO_MIGRATE = {
        "HEALTH_CHECKS": {"cache": "webhooks.health.cache", "sms_scheduler": "webhooks.health.sms_scheduler"}
    }
    checks = get("health")[1]["checks"]
    assert checks["cache"] == {"status": "healthy"}
    assert checks["sms_scheduler"].keys() == {"status", "redis_available", "celery_available"}


@pytest.mark.parametrize("path", ["health", "live", "ready"])
def test_head_is_answered_like_get(path: str) -> None:
    response = Client().head(f"{BASE}/{path}/")
    assert (response.status_code, response.content) == (200, b"")


def test_live_touches_nothing(closed_port: int) -> None:
    assert get("live")[0] == 200
    assert connections["default"].connection is None, "nobody even tried"


def test_a_setting_that_makes_no_sense_is_told_as_json(settings: Settings) -> None:
    settings.AUTO_MIGRATE = {"RUNNER": "carrier pigeon"}
    status, content = get("health")
    assert (status, content["error"]["code"]) == (500, "misconfigured")
    assert "pigeon" not in content["error"]["message"]
    assert get("live")[0] == 200
