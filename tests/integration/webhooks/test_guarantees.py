"""What is promised about recovery SMS, with real processes that are really killed.

That nothing comes after is shown by a later payment: once its SMS is there, an earlier one's second would be too.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis as redis_client
import requests

from tests.integration.webhooks.fake_twilio import FakeTwilio, Mood, signature
from tests.integration.webhooks.payloads import ghostpay
from tests.integration.webhooks.service import Service
from tests.servers import Redis

pytestmark = pytest.mark.slow

FIRST = (
    "Ana, seu PIX de R$ 99,90 ainda aguarda o pagamento. 00020101021226830014br.gov.bcb.pix0136example "
    "Para parar, responda SAIR."
)
LATER = ghostpay(paymentId="gp_later", externalId="pedido-1043", customer={"name": "Bia", "phone": "11988776655"})


@pytest.fixture
def broker() -> Iterator[Redis]:
    """Return a broker that the test may empty and kill."""
    with Redis() as server:
        yield server


@pytest.fixture
def service(tmp_path: Path, migrated_url: str, broker: Redis) -> Iterator[Service]:
    """Return the service, with only its web process running yet."""
    with Service(tmp_path, migrated_url, broker) as running:
        yield running


def see_later(service: Service) -> None:
    """Deliver another payment and wait for its SMS."""
    assert service.deliver(LATER) == 200
    service.eventually(lambda: any("Bia" in text for text in service.sms()))


def test_six_deliveries_make_one_sms(service: Service) -> None:
    service.start("worker", "beat")
    for _ in range(6):
        assert service.deliver(ghostpay()) == 200
    service.eventually(lambda: bool(service.sms()))
    assert service.deliver(ghostpay()) == 200
    see_later(service)
    assert service.sms().count(FIRST) == 1
    assert service.states() == {"gp_7f3a9c21": "sent", "gp_later": "sent"}
    health = service.health()
    assert (health["status"], health["migrations"]["state"]) == ("healthy", "up_to_date")
    scheduler = {"status": "healthy", "redis_available": True, "celery_available": True}
    others = {key: {"status": "healthy"} for key in ["cache", "sms_budget", "sms_provider"]}
    deliveries = {"status": "healthy", "unknown_words": [], "refused": {}}
    assert health["checks"] == others | {"sms_scheduler": scheduler, "deliveries": deliveries}


def test_a_payment_that_was_made_meanwhile_gets_none(service: Service) -> None:
    assert service.deliver(ghostpay()) == 200
    assert service.deliver(ghostpay(status="APPROVED", updatedAt="2026-11-22T14:01:00Z")) == 200
    service.start("worker", "beat")
    see_later(service)
    assert FIRST not in service.sms()
    assert service.states()["gp_7f3a9c21"] == "cancelled"


def test_a_broker_that_loses_everything_loses_no_sms(service: Service, broker: Redis) -> None:
    assert service.deliver(ghostpay()) == 200
    service.start("beat")
    client = redis_client.Redis.from_url(broker.url())

    def is_handed_over() -> bool:
        return any(b"send_due" in message for message in client.lrange("questions", 0, -1))

    service.eventually(is_handed_over)
    client.flushall()
    service.start("worker")
    service.eventually(lambda: service.sms() == [FIRST])
    broker.stop("immediate")
    assert service.deliver(LATER) == 200
    broker.start()
    service.eventually(lambda: len(service.sms()) == 2)
    assert service.states() == {"gp_7f3a9c21": "sent", "gp_later": "sent"}
    client.close()


def test_a_message_that_is_lost_is_written_again(service: Service) -> None:
    assert service.deliver(ghostpay()) == 200
    with psycopg.connect(service.database_url) as connection:
        # What a poll leaves whose message never arrives.
        connection.execute("UPDATE webhooks_recoverysms SET due_at = now(), dispatched_at = now()")
    service.start("worker", "beat")
    service.eventually(lambda: service.states() == {"gp_7f3a9c21": "sent"})
    assert service.sms() == [FIRST]


@pytest.mark.parametrize(("forgets", "state"), [(False, "sent"), (True, "unknown")])
def test_a_worker_killed_while_sending_sends_nothing_twice(
    tmp_path: Path, migrated_url: str, broker: Redis, *, forgets: bool, state: str
) -> None:
    with FakeTwilio() as twilio:
        twilio.mood, twilio.forgets = Mood.HANGS, forgets
        env = {
            "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
            "TWILIO_AUTH_TOKEN": "twilio-token",
            "TWILIO_FROM": "+15005550006",
            "TWILIO_BASE_URL": twilio.url,
            # Long enough for the worker to be killed before its other process takes the attempt for abandoned.
            "SMS_SENDING_TIMEOUT": "8",
        }
        with Service(tmp_path, migrated_url, broker, env) as service:
            service.start("worker", "beat")
            assert service.deliver(ghostpay()) == 200
            service.eventually(lambda: len(twilio.sent) == 1)
            service.kill("worker")
            assert service.states() == {"gp_7f3a9c21": "sending"}
            twilio.mood = Mood.WELL
            twilio.released.set()
            service.start("worker")
            service.eventually(lambda: service.states() == {"gp_7f3a9c21": state})
            assert service.deliver(LATER) == 200
            service.eventually(lambda: service.states().get("gp_later") == "sent")
            assert [message["to"] for message in twilio.sent] == ["+5511999887766", "+5511988776655"]


def test_a_worker_killed_in_the_midst_of_many_loses_none_and_doubles_none(service: Service) -> None:
    for number in range(60):
        assert (
            service.deliver(
                ghostpay(paymentId=f"gp_{number}", externalId=f"pedido-{number}", customer=customer(number))
            )
            == 200
        )
    service.start("beat")
    for seen in (5, 15, 25):
        service.start("worker")
        service.eventually(lambda seen=seen: len(service.sms()) > seen)  # type: ignore[misc] # binds the loop's value
        service.kill("worker")
    service.start("worker")
    # One that a killed worker was sending stays so for a while, and then becomes unknown: nobody repeats it.
    service.eventually(lambda: set(service.states().values()) <= {"sent", "sending"})
    texts = service.sms()
    assert len(set(texts)) == len(texts)
    assert list(service.states().values()).count("sent") <= len(texts) <= 60
    assert len(service.states()) == 60


def customer(number: int) -> dict[str, str]:
    """Return a customer whose SMS reads like no other's."""
    return {"name": "Ana" + chr(ord("a") + number // 8) + chr(ord("a") + number % 8), "phone": "11999887766"}


def test_what_became_of_an_sms_is_reported_and_an_answer_ends_it(
    tmp_path: Path, migrated_url: str, broker: Redis
) -> None:
    with FakeTwilio() as twilio:
        env = {
            "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
            "TWILIO_AUTH_TOKEN": "twilio-token",
            "TWILIO_FROM": "+15005550006",
            "TWILIO_BASE_URL": twilio.url,
        }
        service = Service(tmp_path, migrated_url, broker, env)
        service.env["PUBLIC_URL"] = f"http://127.0.0.1:{service.port}"
        with service:
            service.start("worker", "beat")
            assert service.deliver(ghostpay()) == 200
            service.eventually(lambda: service.states() == {"gp_7f3a9c21": "sent"})
            assert twilio.report(0, "delivered") == 204
            with psycopg.connect(migrated_url) as connection:
                query = "SELECT delivery_status FROM webhooks_recoverysms"
                assert connection.execute(query).fetchall() == [("delivered",)]
            url = f"{service.env['PUBLIC_URL']}/api/webhooks/sms/inbound/"
            form = {"From": "+5511999887766", "Body": "SAIR"}
            answer = requests.post(url, form, headers={"X-Twilio-Signature": signature(url, form)}, timeout=30)
            assert "nao recebera mais" in answer.text
            assert service.deliver(ghostpay(paymentId="gp_2", externalId="pedido-2")) == 200
            service.eventually(lambda: service.states()["gp_2"] == "cancelled")
            assert len(twilio.sent) == 1
