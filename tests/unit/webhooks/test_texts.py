"""What the SMS says."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from webhooks import checks
from webhooks.models import Payment
from webhooks.texts import payment_url, reais, recovery_text


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
