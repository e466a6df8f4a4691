"""Phone numbers."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from webhooks import checks
from webhooks.phones import mask, obstacle, to_e164


@pytest.mark.parametrize(
    "number",
    [
        "11999887766",
        "(11) 99988-7766",
        "+55 11 99988-7766",
        "+5511999887766",
        "5511999887766",
        "011999887766",
        "005511999887766",
        "0 15 11 99988-7766",
    ],
)
def test_numbers_without_a_country_are_brazilian(number: str) -> None:
    assert to_e164(number) == "+5511999887766"


@pytest.mark.parametrize(
    ("number", "found"), [("+351 912 345 678", "+351912345678"), ("351912345678", "+351912345678")]
)
def test_numbers_with_a_country_keep_it(number: str, found: str) -> None:
    assert to_e164(number) == found


@pytest.mark.parametrize(
    ("number", "found"),
    [
        ("1188887777", "+5511988887777"), ("(11) 8888-7777", "+5511988887777"), ("551188887777", "+5511988887777"),
        ("+55 11 8888-7777", "+5511988887777"), ("4988887777", "+5549988887777"), ("1133334444", "+551133334444"),
    ],
)  # fmt: skip
def test_a_mobile_number_gets_the_ninth_digit_that_it_lacks_and_a_landline_none(number: str, found: str) -> None:
    assert to_e164(number) == found


@pytest.mark.parametrize(
    ("number", "told"),
    [
        ("11999887766", ""), ("1188887777", ""), ("1133334444", "a landline"), ("0800 123 4567", "a free-call number"),
        ("0900 123 4567", "a premium-rate number"), ("+1 500 555 0006", "SMS go to BR only"),
        ("+351 912 345 678", "of PT"), ("", "no phone number"),
    ],
)  # fmt: skip
def test_only_mobile_numbers_of_allowed_countries_are_written_to(number: str, told: str) -> None:
    reason = obstacle(to_e164(number))
    assert told in reason
    assert bool(reason) is bool(told)


def test_other_countries_are_allowed_by_setting_if_there_are_such(settings: Settings) -> None:
    settings.SMS_COUNTRIES = ["BR", "PT"]
    assert obstacle("+351912345678") == ""
    assert checks.check_countries() == []
    settings.SMS_COUNTRIES = ["BR", "Brasil"]
    assert [error.id for error in checks.check_countries()] == ["webhooks.E008"]


@pytest.mark.parametrize("number", ["", "1", "99", "abc", "+", "0" * 30, "+55", "tel:;phone-context=x"])
def test_what_is_no_number_is_none(number: str) -> None:
    assert to_e164(number) == ""


@pytest.mark.parametrize(("phone", "shown"), [("+5511999887766", "+55119…7766"), ("", ""), ("+12345", "…")])
def test_the_middle_is_hidden(phone: str, shown: str) -> None:
    assert mask(phone) == shown
