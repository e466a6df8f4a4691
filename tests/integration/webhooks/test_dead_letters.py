"""What was not acted upon is listed by reason, and processed again in a range."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from tests.integration.webhooks.conftest import Deliver
from tests.integration.webhooks.payloads import ghostpay
from webhooks import deliveries, tasks
from webhooks.gateways import ghostpay as gateway
from webhooks.models import Payment, WebhookEvent
from webhooks.states import EventStatus, PaymentStatus

pytestmark = pytest.mark.django_db(transaction=True)

PATH = "/api/webhooks/dead-letters/"


@pytest.fixture
def operator(settings: Settings) -> Client:
    """Return a client that bears the token."""
    settings.AUTO_MIGRATE = {"TOKEN": "token"}
    return Client(headers={"Authorization": "Bearer token"})


@pytest.fixture
def dead(deliver: Deliver) -> None:
    """Take in three deliveries with a word that nobody knows, one that makes no sense, and one that is well."""
    for number in range(3):
        deliver(ghostpay(paymentId=f"gp_{number}", status="ABDUCTED"))
    deliver(ghostpay(totalValue="much"))
    deliver(ghostpay(paymentId="gp_well"))
    yesterday = timezone.now() - timedelta(days=1)
    WebhookEvent.objects.filter(pk=WebhookEvent.objects.earliest("pk").pk).update(received_at=yesterday)


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Release a version that knows the word."""
    monkeypatch.setattr(gateway, "STATUSES", {**gateway.STATUSES, "ABDUCTED": PaymentStatus.CANCELLED})


@pytest.mark.usefixtures("dead")
@pytest.mark.parametrize(
    ("query", "found"),
    [("", 4), ("?status=ignored", 3), ("?status=rejected", 1), ("?status=failed", 0), ("?reason=ABDUCTED", 3),
     ("?gateway=tribopay", 0)],
)  # fmt: skip
def test_they_are_listed_by_reason(operator: Client, query: str, found: int) -> None:
    assert operator.get(PATH + query).json()["count"] == found


@pytest.mark.usefixtures("dead", "known")
def test_a_range_is_processed_again_by_api(operator: Client) -> None:
    since = (timezone.now() - timedelta(hours=1)).isoformat().replace("+00:00", "Z")
    answer = operator.post(f"{PATH}process-again/?status=ignored&received_after={since}")
    assert (answer.status_code, answer.json()) == (202, {"processed": 2, "tried": 2, "left": 0})
    assert set(Payment.objects.values_list("gateway_id", flat=True)) == {"gp_1", "gp_2", "gp_well"}
    assert operator.get(PATH).json()["count"] == 2


@pytest.mark.usefixtures("dead", "known")
def test_all_of_a_list_is_processed_again_in_the_admin(admin_client: Client) -> None:
    url = "/admin/webhooks/deadletter/"
    note = WebhookEvent.objects.filter(status=EventStatus.IGNORED).values_list("note", flat=True)[0]
    shown = admin_client.get(url, {"reason": note}).content.decode()
    assert shown.count('name="_selected_action"') == 3
    assert "gp_well" not in shown
    chosen = WebhookEvent.objects.filter(note=note).values_list("pk", flat=True)[:1]
    form = {"action": "process_again", "select_across": "1", "_selected_action": list(chosen)}
    answer = admin_client.post(f"{url}?reason={note}", form, follow=True)
    assert "3 of 3 processed." in answer.content.decode()
    assert WebhookEvent.objects.filter(status=EventStatus.PROCESSED).count() == 4


@pytest.mark.usefixtures("dead", "known")
def test_what_is_too_much_for_one_request_is_left_to_a_worker(
    operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "BATCH", 1)
    answer = operator.post(f"{PATH}process-again/?status=ignored")
    assert answer.json() == {"processed": 1, "tried": 1, "left": 2}
    WebhookEvent.objects.update(received_at=timezone.now() - timedelta(minutes=2))
    for _ in range(2):
        tasks.finish_interrupted()
    assert WebhookEvent.objects.filter(status=EventStatus.PROCESSED).count() == 4


def test_nobody_else_may(client: Client) -> None:
    assert client.get(PATH).status_code == 403
    assert client.post(f"{PATH}process-again/").status_code == 403
