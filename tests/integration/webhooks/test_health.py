"""Health is told quickly, whatever Redis does."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import pytest
from pytest_django import Settings

from tests.servers import Redis
from webhooks import health, tasks

QUICK = 20.0
"""Seconds, generous on a busy machine; without time-outs the checks would hang for good."""


@pytest.fixture
def redis(settings: Settings) -> Iterator[Redis]:
    """Return a Redis of the test's own, as the cache."""
    with Redis() as server:
        settings.REDIS_URL = server.url()
        settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": server.url()}}
        yield server


def timed(check: object) -> dict[str, object]:
    """Call a health check and see that it is quick."""
    assert callable(check)
    began = time.monotonic()
    found: dict[str, object] = check()
    assert time.monotonic() - began < QUICK
    return found


def test_the_scheduler_is_healthy_once_a_worker_has_done_what_beat_asks_for(redis: Redis, db: None) -> None:
    assert health.cache() == {"status": "healthy"}
    before = {"status": "degraded", "redis_available": True, "celery_available": False}
    assert health.sms_scheduler() == before
    tasks.send_due()
    assert health.sms_scheduler() == {"status": "healthy", "redis_available": True, "celery_available": True}


@pytest.mark.parametrize("trouble", ["stopped", "hanging"])
def test_a_redis_that_is_away_is_told_quickly(redis: Redis, db: None, trouble: str) -> None:
    assert redis.process
    if trouble == "stopped":
        redis.stop()
    else:
        os.kill(redis.process.pid, signal.SIGSTOP)
    try:
        assert timed(health.cache)["status"] == "degraded"
        away = {"status": "degraded", "redis_available": False, "celery_available": False}
        assert timed(health.sms_scheduler) == away
        tasks.send_due()  # and work goes on without it
    finally:
        if trouble == "hanging":
            os.kill(redis.process.pid, signal.SIGCONT)
