"""Phone numbers."""

from __future__ import annotations

import pytest

from webhooks.phones import mask, to_e164


@pytest.mark.parametrize(
    "number",
    ["11999887766", "(11) 99988-7766", "+55 11 99988-7766", "+5511999887766", "5511999887766", "011999887766"],
)
def test_numbers_without_a_country_are_brazilian(number: str) -> None:
    assert to_e164(number) == "+5511999887766"


@pytest.mark.parametrize(
    ("number", "found"), [("+351 912 345 678", "+351912345678"), ("351912345678", "+351912345678")]
)
def test_numbers_with_a_country_keep_it(number: str, found: str) -> None:
    assert to_e164(number) == found


@pytest.mark.parametrize("number", ["", "1", "99", "abc", "+", "0" * 30, "+55", "tel:;phone-context=x"])
def test_what_is_no_number_is_none(number: str) -> None:
    assert to_e164(number) == ""


@pytest.mark.parametrize(("phone", "shown"), [("+5511999887766", "+55119…7766"), ("", ""), ("+12345", "…")])
def test_the_middle_is_hidden(phone: str, shown: str) -> None:
    assert mask(phone) == shown
