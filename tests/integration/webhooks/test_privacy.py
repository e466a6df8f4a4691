"""People are forgotten when they ask, and everybody after a while; what the books need stays."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from tests.integration.webhooks.conftest import Deliver
from tests.integration.webhooks.payloads import ghostpay, tribopay
from webhooks import deliveries, privacy, tasks
from webhooks.models import Erasure, OptOut, Payment, RecoverySMS, WebhookEvent
from webhooks.states import EventStatus, PaymentStatus, PersonKey, SMSStatus

pytestmark = pytest.mark.django_db(transaction=True)

CPF, OTHER_CPF = "111.444.777-35", "52998224725"
OTHER = {"name": "Bia Lima", "email": "bia@example.com", "phone": "21988776655", "document": OTHER_CPF}
ANA = {"name": "Ana Souza", "email": "ana@example.com", "phone": "11999887766", "document": "11144477735"}
PERSONAL = ["Ana", "ana@example.com", "999887766", "11144477735", "111.444.777-35"]


def everything() -> str:
    """Return all that the service's tables hold, as text."""
    tables = connection.introspection.table_names()
    with connection.cursor() as cursor:
        found = []
        for table in (name for name in tables if name.startswith(("webhooks_", "django_admin_log"))):
            cursor.execute(f"SELECT t::text FROM {table} t")
            found += [row[0] for row in cursor.fetchall()]
    return "\n".join(found)


@pytest.fixture
def people(deliver: Deliver) -> None:
    """Take in two payments of Ana's, with another delivery and one that makes no sense, and one of Bia's."""
    deliver(ghostpay(customer=ANA))
    deliver(ghostpay(customer=ANA, status="APPROVED", updatedAt="2026-11-22T14:05:00Z"))
    deliver(tribopay(customer={"name": "Ana", "phone_number": "+55 (11) 99988-7766", "cpf": CPF}), "tribopay")
    deliver(ghostpay(paymentId=None, customer=ANA | {"document": CPF}))
    deliver(ghostpay(paymentId="gp_bia", externalId="pedido-2", customer=OTHER))
    sms = RecoverySMS.objects.get(payment__gateway="tribopay")
    RecoverySMS.objects.filter(pk=sms.pk).update(phone="+5511999887766", body="Ana, seu PIX")


@pytest.mark.parametrize(
    ("kind", "value"), [("phone", "(11) 99988-7766"), ("phone", "+5511999887766"), ("cpf", CPF), ("cpf", "11144477735")]
)
@pytest.mark.usefixtures("people")
def test_a_person_is_forgotten_and_nobody_else(kind: str, value: str) -> None:
    before = {payment.pk: (payment.amount, payment.external_id, payment.status) for payment in Payment.objects.all()}
    done = privacy.erase(PersonKey(kind), value, requested_by="the person, by e-mail", done_by="clerk")
    left = everything()
    assert [text for text in PERSONAL if text in left] == []
    assert "bia@example.com" in left
    assert OTHER_CPF in left
    assert (done.payments, done.deliveries) == (2, 4)
    assert (done.requested_by, done.done_by) == ("the person, by e-mail", "clerk")
    assert {
        payment.pk: (payment.amount, payment.external_id, payment.status) for payment in Payment.objects.all()
    } == before
    states = dict(RecoverySMS.objects.values_list("payment__gateway_id", "status"))
    assert states == {"gp_7f3a9c21": "cancelled", "tp_90b1": "cancelled", "gp_bia": "scheduled"}
    assert done.digest == privacy.digest(privacy.normalize(PersonKey(kind), value))
    assert privacy.erase(PersonKey(kind), value, requested_by="again", done_by="clerk").payments == 0


@pytest.mark.usefixtures("people")
def test_what_comes_later_of_a_forgotten_person_is_acted_upon_and_not_kept(deliver: Deliver) -> None:
    privacy.erase(PersonKey.PHONE, "11999887766", requested_by="x", done_by="y")
    answer = deliver(ghostpay(customer=ANA, status="REFUNDED", updatedAt="2026-11-23T14:05:00Z"))
    assert answer.status_code == 200
    assert Payment.objects.get(gateway_id="gp_7f3a9c21").status == PaymentStatus.REFUNDED
    left = everything()
    assert [text for text in PERSONAL if text in left] == []
    assert json.loads(deliver(ghostpay(customer=ANA, status="REFUNDED", updatedAt="2026-11-23T14:05:00Z")).content)[
        "duplicate"
    ]


@pytest.mark.usefixtures("people")
def test_an_sms_on_its_way_is_forgotten_once_its_outcome_is_known() -> None:
    RecoverySMS.objects.filter(payment__gateway="tribopay").update(status=SMSStatus.SENDING)
    privacy.erase(PersonKey.PHONE, "11999887766", requested_by="x", done_by="y")
    sms = RecoverySMS.objects.get(payment__gateway="tribopay")
    assert (sms.status, sms.body) == (SMSStatus.SENDING, "Ana, seu PIX")
    RecoverySMS.objects.filter(pk=sms.pk).update(status=SMSStatus.SENT)
    privacy.apply_retention()
    sms.refresh_from_db()
    assert (sms.phone, sms.body) == ("", "")


def test_a_number_that_lacked_its_ninth_digit_is_found_where_it_was_delivered(deliver: Deliver) -> None:
    deliver(ghostpay(paymentId=None, customer={"phone": "(11) 8888-7777"}))
    assert privacy.erase(PersonKey.PHONE, "11 98888-7777", requested_by="x", done_by="y").deliveries == 1
    assert "8888" not in everything()


@pytest.mark.usefixtures("people")
def test_a_wish_for_no_sms_outlives_the_person() -> None:
    OptOut.objects.create(phone="+5511999887766")
    privacy.erase(PersonKey.PHONE, "11999887766", requested_by="x", done_by="y")
    assert OptOut.objects.filter(phone="+5511999887766").exists()


@pytest.mark.parametrize(("kind", "value"), [("phone", "123"), ("cpf", "11144477736"), ("cpf", "123"), ("cpf", "")])
def test_what_is_no_phone_and_no_cpf_is_refused(kind: str, value: str) -> None:
    with pytest.raises(CommandError, match=f"--{kind}"):
        call_command("erase_person", f"--{kind}={value}", "--requested-by=x")
    assert not Erasure.objects.exists()


@pytest.mark.usefixtures("people")
def test_the_command_tells_how_much_there_was(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("erase_person", "--cpf", CPF, "--requested-by", "the person", "--done-by", "clerk")
    assert "2 payments, 4 deliveries" in capsys.readouterr().out
    assert Erasure.objects.get().done_by == "clerk"
    call_command("erase_person", "--cpf", CPF, "--requested-by", "the person", "--format", "json")
    told = json.loads(capsys.readouterr().out)
    assert told == {"event": "erased", "erasure": Erasure.objects.latest("pk").pk, "payments": 0, "deliveries": 0}


@pytest.mark.usefixtures("people")
def test_the_admin_forgets_keeps_the_record_and_not_the_person(admin_client: Client) -> None:
    url = "/admin/webhooks/erasure/add/"
    wrong = admin_client.post(url, {"kind": "cpf", "person": "123", "requested_by": "x"})
    assert "This is no CPF." in wrong.content.decode()
    done = admin_client.post(
        url, {"kind": "phone", "person": "11 99988-7766", "requested_by": "the person"}, follow=True
    )
    assert done.redirect_chain
    record = Erasure.objects.get()
    assert (record.done_by, record.requested_by, record.payments) == ("admin", "the person", 2)
    left = everything()
    assert [text for text in PERSONAL if text in left] == []
    assert admin_client.get(f"/admin/webhooks/erasure/{record.pk}/change/").status_code == 200
    assert admin_client.post(f"/admin/webhooks/erasure/{record.pk}/delete/", {"post": "yes"}).status_code == 403


@pytest.mark.usefixtures("people")
def test_after_the_retention_nothing_tells_whose_anything_was(settings: Settings, deliver: Deliver) -> None:
    settings.RETENTION_DAYS = 10
    before = timezone.now() - timedelta(days=10, minutes=1)
    old = Payment.objects.exclude(gateway_id="gp_bia")
    old.update(created_at=before)
    WebhookEvent.objects.exclude(payment__gateway_id="gp_bia").update(received_at=before)
    tasks.apply_retention()
    left = everything()
    assert [text for text in PERSONAL if text in left] == []
    assert "bia@example.com" in left
    assert Payment.objects.filter(anonymized_at=None).count() == 1
    # What is stripped cannot be processed again, and is still known when it comes again.
    assert deliveries.process_again(WebhookEvent.objects.all()) == (0, 0, 0)
    assert json.loads(deliver(ghostpay(customer=ANA)).content)["duplicate"] is True
    assert WebhookEvent.objects.filter(status=EventStatus.PROCESSED).exists()


def test_retention_goes_through_more_than_a_batch(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(privacy, "BATCH", 7)
    settings.RETENTION_DAYS = 1
    told = {"gateway": "ghostpay", "status": "paid", "method": "pix", "amount": 1, "customer_name": "Ana"}
    Payment.objects.bulk_create(Payment(gateway_id=str(number), **told) for number in range(30))
    WebhookEvent.objects.bulk_create(
        WebhookEvent(gateway="ghostpay", digest=str(number), payload="{}", status="ignored") for number in range(30)
    )
    later = timezone.now() + timedelta(days=2)
    assert privacy.apply_retention(later) == {"payments": 30, "deliveries": 30}
    assert privacy.apply_retention(later) == {"payments": 0, "deliveries": 0}


@pytest.mark.usefixtures("people")
def test_the_admin_and_whoever_only_reads_see_no_personal_data(admin_client: Client) -> None:
    for event in WebhookEvent.objects.exclude(payment__gateway_id="gp_bia"):
        shown = admin_client.get(f"/admin/webhooks/webhookevent/{event.pk}/change/").content.decode()
        assert [text for text in PERSONAL[1:] if text in shown] == []
        assert "amount" in shown or "totalValue" in shown
    for payment in Payment.objects.exclude(gateway_id="gp_bia"):
        shown = admin_client.get(f"/admin/webhooks/payment/{payment.pk}/change/").content.decode()
        assert [text for text in PERSONAL[1:] if text in shown] == []
