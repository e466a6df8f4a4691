"""Operators read what came in and what went out; nobody else does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from pytest_django import Settings

from tests.integration.webhooks.conftest import Deliver
from tests.integration.webhooks.payloads import ghostpay, tribopay
from webhooks.models import RecoverySMS, WebhookEvent
from webhooks.states import SMSStatus

pytestmark = pytest.mark.django_db

LISTS = ["events", "sms-logs", "pending-sms"]


@pytest.fixture
def operator(settings: Settings) -> Client:
    """Return a client that bears the token."""
    settings.AUTO_MIGRATE = {"TOKEN": "token"}
    return Client(headers={"Authorization": "Bearer token"})


@pytest.fixture(autouse=True)
def payments(deliver: Deliver) -> None:
    """Deliver three payments, one of them made."""
    deliver(ghostpay())
    deliver(tribopay(), "tribopay")
    deliver(ghostpay(paymentId="gp_paid"))
    deliver(ghostpay(paymentId="gp_paid", status="APPROVED"))


@pytest.mark.parametrize("path", [*(f"api/webhooks/{name}/" for name in LISTS), "api/webhooks/events/1/", "metrics"])
def test_without_credentials_everything_is_forbidden(client: Client, path: str) -> None:
    answer = client.get(f"/{path}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")
    assert Client(headers={"Authorization": "Bearer wrong"}).get(f"/{path}").status_code == 403


@pytest.mark.parametrize(("is_staff", "status"), [(True, 200), (False, 403)])
def test_a_session_needs_to_be_of_staff(client: Client, *, is_staff: bool, status: int) -> None:
    client.force_login(User.objects.create_user("ana", is_staff=is_staff))
    assert client.get("/api/webhooks/events/").status_code == status


def test_events_are_listed_newest_first_without_personal_data(operator: Client) -> None:
    answer = operator.get("/api/webhooks/events/")
    results = answer.json()["results"]
    assert [event["id"] for event in results] == sorted((event["id"] for event in results), reverse=True)
    assert len(results) == 4
    assert results[-1]["payment"]["customer_phone"] == "+55119…7766"
    assert "999887766" not in answer.content.decode()


def test_one_event_shows_its_payload(operator: Client) -> None:
    event = WebhookEvent.objects.earliest("pk")
    assert operator.get(f"/api/webhooks/events/{event.pk}/").json()["payload"] == ghostpay()


def test_lists_are_cut_into_pages(operator: Client) -> None:
    first = operator.get("/api/webhooks/events/?page_size=3").json()
    assert (first["count"], len(first["results"]), first["previous"]) == (4, 3, None)
    assert len(operator.get(first["next"]).json()["results"]) == 1


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("events/?gateway=tribopay", 1), ("events/?status=processed&status=failed", 4), ("events/?payment=gp_paid", 2),
        ("events/?received_after=2999-01-01T00:00:00Z", 0), ("sms-logs/?status=cancelled", 1),
        ("sms-logs/?gateway=ghostpay", 2), ("sms-logs/?due_before=2999-01-01T00:00:00Z", 3),
        ("pending-sms/", 2), ("pending-sms/?payment=gp_paid", 0),
    ],
)  # fmt: skip
def test_lists_are_filtered(operator: Client, query: str, found: int) -> None:
    assert operator.get(f"/api/webhooks/{query}").json()["count"] == found


@pytest.mark.parametrize(
    "query", ["events/?status=nonsense", "events/?received_after=yesterday", "sms-logs/?gateway=x"]
)
def test_a_filter_that_makes_no_sense_is_refused(operator: Client, query: str) -> None:
    answer = operator.get(f"/api/webhooks/{query}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid")


def test_what_is_not_there_is_not_found(operator: Client) -> None:
    answer = operator.get("/api/webhooks/events/999999999/")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize("path", LISTS)
def test_the_api_only_reads(operator: Client, path: str) -> None:
    answer = operator.post(f"/api/webhooks/{path}/", {}, content_type="application/json")
    assert (answer.status_code, answer.json()["error"]["code"]) == (405, "method_not_allowed")


def test_one_sms_shows_its_text(operator: Client) -> None:
    RecoverySMS.objects.update(body="Olá!")
    sms = RecoverySMS.objects.filter(status=SMSStatus.SCHEDULED).latest("pk")
    assert operator.get(f"/api/webhooks/sms-logs/{sms.pk}/").json()["body"] == "Olá!"


@pytest.mark.django_db(transaction=True)
def test_metrics_count_what_the_database_holds(operator: Client) -> None:
    lines = operator.get("/metrics").content.decode().splitlines()
    assert 'webhooks_recovery_sms{status="scheduled"} 2.0' in lines
    assert 'webhooks_recovery_sms{status="cancelled"} 1.0' in lines
    assert 'webhooks_payments{gateway="ghostpay",status="paid"} 1.0' in lines
    assert "webhooks_recovery_sms_lag_seconds 0.0" in lines
    assert 'auto_migrate_database_up{database="default"} 1.0' in lines


def test_the_schema_describes_the_lists(client: Client) -> None:
    schema = client.get("/api/schema/", headers={"Accept": "application/json"})
    assert schema.status_code == 200
    for name in LISTS:
        assert f"/api/webhooks/{name}/" in schema.content.decode()
    told = schema.json()
    assert "POST /api/webhooks/ghostpay/" in told["info"]["description"]
    assert told["components"]["securitySchemes"]["token"] == {"type": "http", "scheme": "bearer"}
    assert {"token": []} in told["paths"]["/api/webhooks/events/"]["get"]["security"]


def test_the_schema_is_valid_and_made_without_warnings(tmp_path: Path) -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", file=str(tmp_path / "schema.yml"))


def test_the_documentation_needs_no_server_but_ours(client: Client) -> None:
    answer = client.get("/api/docs/")
    linked = re.findall(r'(?:src|href)="([^"]+)"', answer.content.decode())
    assert len(linked) >= 4
    assert all(url.startswith("/static/drf_spectacular_sidecar/") for url in linked), linked
    for url in linked:
        asset = client.get(url)
        assert (asset.status_code, bool(asset.getvalue())) == (200, True)
