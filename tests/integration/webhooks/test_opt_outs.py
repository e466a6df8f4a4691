"""Whoever wants no SMS gets none, and has to say so once."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from tests.integration.webhooks.conftest import Deliver
from tests.integration.webhooks.fake_twilio import FakeTwilio, Mood, signature
from tests.integration.webhooks.payloads import ghostpay
from webhooks import opt_outs, sending
from webhooks.models import OptOut, RecoverySMS
from webhooks.states import OptOutSource, SMSStatus

pytestmark = pytest.mark.django_db(transaction=True)

PHONE = "+5511999887766"
PATH = "/api/webhooks/sms/inbound/"


@pytest.fixture
def sms(deliver: Deliver, settings: Settings, twilio: FakeTwilio) -> RecoverySMS:
    """Return an SMS that is due now, to be sent through Twilio."""
    settings.SMS_RECOVERY_DELAY = 0
    deliver(ghostpay())
    return RecoverySMS.objects.get()


@pytest.fixture
def operator(settings: Settings) -> Client:
    """Return a client that bears the token."""
    settings.AUTO_MIGRATE = {"TOKEN": "token"}
    return Client(headers={"Authorization": "Bearer token"})


def answer(
    text: str, *, origin: str = "http://testserver", path: str = PATH, signed: str = "", **form: str
) -> HttpResponse:
    """Call as Twilio does when somebody answers."""
    form = {"From": PHONE, "To": "+15005550006", "Body": text, "MessageSid": "SM1", **form}
    headers = {"X-Twilio-Signature": signed or signature(origin + path, form)}
    return Client().post(path, form, headers=headers)  # type: ignore[return-value]


@pytest.mark.parametrize(
    "text",
    ["SAIR", "sair", " Pare. ", "parar", "CANCELAR", "stop", "Não, sair!", "Pare de me mandar isso aí", "ＳＡＩＲ",
     "Por favor não me mande mais isso", "eu não quero mais receber nada de vocês"],
)  # fmt: skip
def test_an_answer_that_asks_for_no_more_is_confirmed_once_and_kept_to(
    sms: RecoverySMS, twilio: FakeTwilio, text: str
) -> None:
    first, second = answer(text), answer(text)
    assert (first.status_code, first["Content-Type"]) == (200, "text/xml; charset=utf-8")
    assert b"<Response><Message>Pronto: voce nao recebera mais SMS nossos.</Message></Response>" in first.content
    assert b"<Response></Response>" in second.content
    assert (OptOut.objects.get().phone, OptOut.objects.get().source) == (PHONE, OptOutSource.INBOUND)
    sending.send(sms.pk)
    sms.refresh_from_db()
    assert (sms.status, sms.error, twilio.sent) == (SMSStatus.CANCELLED, "The phone has opted out.", [])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Já paguei",
        "Para mim não chegou",
        "Quando chega o meu pedido que eu paguei ontem?",
        "Vou parar o carro e já pago",
        "Não quero perder, já pago",
        "Não consigo receber o código",
    ],
)
@pytest.mark.usefixtures("twilio")
def test_any_other_answer_is_taken_in_and_changes_nothing(text: str) -> None:
    assert b"<Response></Response>" in answer(text).content
    assert not OptOut.objects.exists()


@pytest.mark.usefixtures("twilio")
def test_what_twilio_has_answered_itself_is_not_answered_again() -> None:
    assert b"<Response></Response>" in answer("STOP", OptOutType="STOP").content
    assert OptOut.objects.get().phone == PHONE


@pytest.mark.usefixtures("twilio")
def test_only_twilio_may_call(settings: Settings) -> None:
    for signed in ("wrong", "é", signature("http://testserver" + PATH, {}, token="another")):
        assert answer("SAIR", signed=signed.encode().decode("latin-1")).status_code == 403
    assert Client().post(PATH, {"From": PHONE, "Body": "SAIR"}).status_code == 403
    assert Client().get(PATH).status_code == 405
    settings.TWILIO_AUTH_TOKEN = ""
    assert answer("SAIR").status_code == 503
    assert not OptOut.objects.exists()


@pytest.mark.usefixtures("twilio")
def test_the_address_is_one_without_its_last_slash_too() -> None:
    assert answer("SAIR", path=PATH.rstrip("/")).status_code == 200
    assert OptOut.objects.exists()


@pytest.mark.usefixtures("twilio")
def test_behind_a_proxy_the_public_address_is_the_one_that_is_signed(settings: Settings) -> None:
    assert answer("SAIR", origin="https://sms.example.com").status_code == 403
    settings.PUBLIC_URL = "https://sms.example.com"
    assert answer("SAIR", origin="https://sms.example.com").status_code == 200


def test_an_opt_out_that_the_provider_knows_of_is_remembered(sms: RecoverySMS, twilio: FakeTwilio) -> None:
    twilio.mood = Mood.OPTED_OUT
    sending.send(sms.pk)
    sms.refresh_from_db()
    assert (sms.status, sms.error) == (SMSStatus.FAILED, "Twilio answered 400, code 21610.")
    assert (OptOut.objects.get().phone, OptOut.objects.get().source) == (PHONE, OptOutSource.PROVIDER)


def test_operators_list_enter_and_take_back(operator: Client) -> None:
    url = "/api/webhooks/opt-outs/"
    for phone in ("(11) 99988-7766", PHONE):
        entered = operator.post(url, {"phone": phone}, content_type="application/json")
        assert (entered.status_code, entered.json()["phone"], entered.json()["source"]) == (201, PHONE, "operator")
    assert [row["phone"] for row in operator.get(url).json()["results"]] == [PHONE]
    assert operator.delete(f"{url}+5511000000000/").status_code == 404
    assert operator.delete(f"{url}{PHONE}/").status_code == 204
    assert not OptOut.objects.exists()
    opt_outs.add(PHONE, OptOutSource.INBOUND)
    assert operator.delete(f"{url}5511999887766/").status_code == 204


@pytest.mark.parametrize("body", [{}, {"phone": ""}, {"phone": "12"}, {"phone": "a\0b"}, {"phone": ["1"]}])
def test_what_is_no_number_is_not_entered(operator: Client, body: dict[str, object]) -> None:
    refused = operator.post("/api/webhooks/opt-outs/", body, content_type="application/json")
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "invalid")


def test_nobody_else_sees_or_changes_them(client: Client) -> None:
    opt_outs.add(PHONE, OptOutSource.INBOUND)
    url = "/api/webhooks/opt-outs/"
    assert client.get(url).status_code == 403
    assert client.post(url, {"phone": PHONE}, content_type="application/json").status_code == 403
    assert client.delete(f"{url}{PHONE}/").status_code == 403
    client.force_login(User.objects.create_user("ana", is_staff=True))
    assert client.get(url).status_code == 200
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.get())
    assert strict.delete(f"{url}{PHONE}/").status_code == 403
    assert OptOut.objects.exists()


def test_the_admin_enters_numbers_and_takes_them_back(admin_client: Client) -> None:
    url = "/admin/webhooks/optout/"
    assert b"This is no phone number." in admin_client.post(f"{url}add/", {"phone": "12"}).content
    assert admin_client.post(f"{url}add/", {"phone": "11 99988-7766"}).status_code == 302
    opt_out = OptOut.objects.get()
    assert opt_out.phone == PHONE
    for shown in (f"{url}?q=11 99988 7766", f"{url}{opt_out.pk}/change/"):
        content = admin_client.get(shown).content.decode()
        assert "+55119…7766" in content
        assert PHONE not in content
    assert "+55119…7766" not in admin_client.get(f"{url}?q=11 98888 7766").content.decode()
    assert admin_client.post(f"{url}{opt_out.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not OptOut.objects.exists()
