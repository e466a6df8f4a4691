"""Callers of the endpoints, and databases that do not answer."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connections
from django.test import Client
from pytest_django import Settings

from auto_migrate.history.models import BackfillRecord, RunRecord, StepRecord, ensure_tables
from auto_migrate.history.store import History
from auto_migrate.values import RunStatus
from auto_migrate.web import health
from tests.servers import Proxy, free_port
from tests.servers.postgresql import PostgreSQL

TOKEN = "an-old-token-of-this-service"
NEXT_TOKEN = "the-token-that-comes-after-it"
BASE = "/api/webhooks"
END = {RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.INTERRUPTED}


def ended(client: Client, status_url: str) -> dict[str, Any]:
    """Ask until the run has ended."""
    deadline = time.monotonic() + 60
    content: dict[str, Any] = {}
    while time.monotonic() < deadline:
        content = client.get(status_url).json()
        if content["status"] in END:
            return content
        time.sleep(0.1)
    raise AssertionError(content)


@pytest.fixture(autouse=True)
def auto_migrate_settings(settings: Settings) -> None:
    """Set two tokens, as while one is being replaced, and no health check."""
    settings.AUTO_MIGRATE = {"TOKEN": [TOKEN, NEXT_TOKEN]}


@pytest.fixture(autouse=True)
def empty_history(transactional_db: None) -> None:
    """Forget the runs of other tests: the tables are not among those that Django flushes."""
    History().ensure_tables()
    ensure_tables(connections["default"], [BackfillRecord])
    BackfillRecord.objects.all().delete()
    StepRecord.objects.all().delete()
    RunRecord.objects.all().delete()


@pytest.fixture(autouse=True)
def no_news() -> Iterator[None]:
    """Let every probe of the test ask for itself, and keep no connection."""
    health.forget()
    yield
    health.forget()


@pytest.fixture
def bearer() -> Client:
    """Return a caller with a token and no session, from whom Django would want a CSRF token."""
    return Client(enforce_csrf_checks=True, headers={"Authorization": f"Bearer {TOKEN}"})


@pytest.fixture
def stranger() -> Client:
    """Return a caller with nothing."""
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def staff(transactional_db: None) -> Client:
    """Return a browser in which a member of staff is logged in."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create_user("ana", is_staff=True))
    return client


@pytest.fixture
def elsewhere(transactional_db: None) -> Iterator[Any]:
    """Return the settings of a `default` connection that the test may point elsewhere, and put the real one back."""
    real = connections["default"]
    other = real.copy()
    connections["default"] = other
    yield other.settings_dict
    # A probe that gave up a hanging connection has made itself another one.
    connections["default"].close()
    connections["default"] = real


@pytest.fixture
def closed_port(elsewhere: dict[str, Any]) -> int:
    """Point `default` to a port on which nobody listens."""
    elsewhere["PORT"] = free_port()
    return int(elsewhere["PORT"])


@pytest.fixture
def proxied(elsewhere: dict[str, Any], postgresql: PostgreSQL, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """Point `default` to a network that can fail, in every connection that is made anew."""
    with Proxy(postgresql) as proxy:
        elsewhere["PORT"] = proxy.port
        monkeypatch.setitem(connections.settings["default"], "PORT", proxy.port)
        yield proxy


@pytest.fixture
def frozen(proxied: Proxy) -> Proxy:
    """Point `default` to a network that takes connections and then carries nothing."""
    proxied.freeze()
    return proxied
