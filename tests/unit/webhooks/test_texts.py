"""What the SMS says."""

from __future__ import annotations

from decimal import Decimal

import pytest
from pytest_django import Settings

from webhooks import checks, previews
from webhooks.models import Payment
from webhooks.texts import GSM_7, payment_url, reais, recovery_text, segments


@pytest.mark.parametrize(
    ("centavos", "text"),
    [(0, "R$ 0,00"), (5, "R$ 0,05"), (9990, "R$ 99,90"), (123456, "R$ 1.234,56"), (10**9, "R$ 10.000.000,00")],
)
def test_amounts_are_written_as_brazilians_do(centavos: int, text: str) -> None:
    assert reais(centavos) == text


@pytest.mark.parametrize(
    ("name", "called"),
    [
        ("Ana Souza", "Ana"), ("José", "José"), ("João", "Joao"), ("Joa\u0303o", "Joao"), ("ÁGATA", "AGATA"),
        ("", "cliente"),
        ("{amount} {0}", "cliente"), ("http://evil.example/pix x", "cliente"), ("evil.example", "cliente"),
        ("a" * 20, "a" * 20), ("a" * 21, "cliente"), ("Ana0", "cliente"), ("Анна", "cliente"), ("安娜", "cliente"),
    ],
)  # fmt: skip
def test_customers_are_called_by_their_first_name(settings: Settings, name: str, called: str) -> None:
    settings.SMS_TEMPLATE = "{name}"
    assert recovery_text(Payment(customer_name=name, amount=1)) == called


@pytest.mark.parametrize("template", ["{surname}", "{", "{0}", "{name.__nothing__}", " "])
def test_a_template_that_cannot_be_filled_in_is_refused(settings: Settings, template: str) -> None:
    settings.SMS_TEMPLATE = template
    assert [error.id for error in checks.check_template()] == ["webhooks.E001"]


def test_the_template_that_comes_with_it_is_good() -> None:
    assert checks.check_template() == []


def test_a_provider_that_is_not_known_or_lacks_something_is_refused(settings: Settings) -> None:
    assert checks.check_provider() == []
    settings.SMS_PROVIDER = "pigeon"
    assert [error.id for error in checks.check_provider()] == ["webhooks.E002"]
    settings.SMS_PROVIDER, settings.TWILIO_AUTH_TOKEN = "twilio", "secret"
    missing = [error.msg for error in checks.check_provider()]
    assert missing == ["TWILIO_ACCOUNT_SID is not set.", "TWILIO_FROM is not set."]


@pytest.mark.parametrize("name", ["SMS_HOURS", "SMS_SATURDAY_HOURS"])
@pytest.mark.parametrize("hours", ["9-21", "21:00-09:00", "09:00-09:00", "09:00-24:01", "09:00-21:60", "", "09:00"])
def test_hours_that_are_none_are_refused_with_what_is_right(settings: Settings, name: str, hours: str) -> None:
    setattr(settings, name, hours)
    [error] = checks.check_hours()
    assert (error.id, name in error.msg, f"export {name}=" in str(error.hint)) == ("webhooks.E006", True, True)


@pytest.mark.parametrize(
    "url",
    ["{order}", "https://shop.example/{", "shop.example/{id}", "javascript:alert({id})", "https://a b/{id}", "{id}"],
)
def test_a_link_that_leads_nowhere_is_refused(settings: Settings, url: str) -> None:
    settings.PAYMENT_URL = url
    assert [error.id for error in checks.check_payment_url()] == ["webhooks.E007"]
    assert checks.check_template() == []


@pytest.mark.parametrize(
    ("url", "is_good"),
    [
        ("", True),
        ("https://sms.example.com", True),
        ("sms.example.com", False),
        ("ftp://x", False),
        ("https://[", False),
    ],
)
def test_an_address_under_which_nobody_is_reached_is_refused(settings: Settings, url: str, *, is_good: bool) -> None:
    settings.PUBLIC_URL = url
    assert [error.id for error in checks.check_public_url()] == ([] if is_good else ["webhooks.E009"])


@pytest.mark.parametrize(
    ("url", "link"),
    [
        ("", ""),
        ("https://shop.example/{gateway}/{id}?o={external_id}", "https://shop.example/ghostpay/gp%2F1?o=a%20%26b"),
    ],
)
def test_a_link_is_filled_in_with_what_an_address_can_bear(settings: Settings, url: str, link: str) -> None:
    settings.PAYMENT_URL = url
    assert checks.check_payment_url() == []
    assert payment_url(Payment(gateway="ghostpay", gateway_id="gp/1", external_id="a &b")) == link


def test_twilio_elsewhere_and_alarms_to_nobody_are_refused(settings: Settings) -> None:
    settings.TWILIO_BASE_URL = "twilio"
    assert [error.id for error in checks.check_public_url()] == ["webhooks.E009"]
    settings.ALARM_EMAILS, settings.ALARM_WEBHOOK_URL = ["ana@shop.example", "bia"], "hooks.example/secret"
    told = checks.check_alarms()
    assert [error.id for error in told] == ["webhooks.E011", "webhooks.E012"]
    assert "secret" not in str(told)


def test_a_gateway_has_its_own_text_which_is_checked_too(settings: Settings) -> None:
    settings.SMS_TEMPLATES = {"GHOSTPAY_SMS_TEMPLATE": "Oi {name}", "TRIBOPAY_SMS_TEMPLATE": "{nome}"}
    assert recovery_text(Payment(gateway="ghostpay", customer_name="Ana", amount=1)) == "Oi Ana"
    assert [error.msg[:22] for error in checks.check_template()] == ["TRIBOPAY_SMS_TEMPLATE="]


def test_previews_tell_segments_price_and_what_makes_them_long(settings: Settings) -> None:
    settings.SMS_PRICE = Decimal("0.25")
    settings.SMS_TEMPLATES = {
        "GHOSTPAY_SMS_TEMPLATE": "Olá {name}, não esqueça! " + "x" * 60,
        "TRIBOPAY_SMS_TEMPLATE": "{nome}",
    }
    first, second = previews.all_previews()
    assert (first.segments, first.price, first.unusual) == (2, "R$ 0,50", "á ã ç")
    assert second.error == "KeyError('nome')"


CODE = "00020126580014br.gov.bcb.pix0136123e4567-e12b-12d3-a456-4266554400005204000053039865802BR5913Loja da Ana6008"
URL = "https://loja.example/pagar/{id}"


@pytest.mark.parametrize(
    ("url", "code", "link"),
    [
        (URL, CODE, "https://loja.example/pagar/gp_1 "), ("", CODE, f"{CODE} "), ("", "", ""),
        ("", "http://evil.example", ""),
    ],
)  # fmt: skip
def test_the_text_has_the_page_else_the_code_and_how_to_stop(
    settings: Settings, url: str, code: str, link: str
) -> None:
    settings.PAYMENT_URL = url
    payment = Payment(customer_name="Ana Souza", amount=100, gateway_id="gp_1", pix_code=code)
    text = f"Ana, seu PIX de R$ 1,00 ainda aguarda o pagamento. {link}Para parar, responda SAIR."
    assert recovery_text(payment) == text


def test_a_code_is_sent_as_it_is(settings: Settings) -> None:
    settings.SMS_TEMPLATE = "{pix_code}"
    assert recovery_text(Payment(amount=1, pix_code="000201  Loja  da Ana ")) == "000201  Loja  da Ana "


def test_the_text_with_a_page_is_one_segment_whatever_name_and_amount(settings: Settings) -> None:
    settings.PAYMENT_URL = URL
    payment = Payment(customer_name="Ã" * 20, amount=10**9, gateway_id="gp_7f3a9c21")
    assert segments(recovery_text(payment)) == 1


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 1), ("a" * 160, 1), ("a" * 161, 2), ("a" * 306, 2), ("a" * 307, 3), ("á", 1), ("á" * 70, 1), ("á" * 71, 2),
        ("á" * 134, 2), ("á" * 135, 3), ("€" * 80, 1), ("€" * 81, 2), ("😀" * 35, 1), ("😀" * 36, 2), ("é" * 160, 1),
    ],
)  # fmt: skip
def test_segments_are_counted_as_carriers_do(text: str, count: int) -> None:
    assert segments(text) == count


def test_the_alphabet_of_seven_bits_is_whole() -> None:
    assert len(GSM_7) == 127  # and the escape
