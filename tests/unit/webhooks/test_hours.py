"""People are written to by the clock where they are, not at night, on Sundays or on holidays."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from pytest_django import Settings

from webhooks import eligibility, hours
from webhooks.models import Payment

SAO_PAULO, MANAUS = "+5511999887766", "+5592991234567"


def at(text: str, zone: str = "America/Sao_Paulo") -> datetime:
    """Return the moment at which the clock there shows this."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


@pytest.mark.parametrize(
    ("asked", "opens"),
    [
        ("2026-11-30T12:00", "2026-11-30T12:00"), ("2026-11-30T03:00", "2026-11-30T09:00"),
        ("2026-11-30T08:59", "2026-11-30T09:00"), ("2026-11-30T09:00", "2026-11-30T09:00"),
        ("2026-11-30T20:59", "2026-11-30T20:59"), ("2026-11-30T21:00", "2026-12-01T09:00"),
        ("2026-12-04T22:00", "2026-12-05T10:00"), ("2026-12-05T15:59", "2026-12-05T15:59"),
        ("2026-12-05T16:00", "2026-12-07T09:00"), ("2026-12-06T12:00", "2026-12-07T09:00"),
        # Christmas is a Friday; 20 November has been a holiday of the whole country since 2024.
        ("2026-12-24T21:00", "2026-12-26T10:00"), ("2026-11-20T12:00", "2026-11-21T10:00"),
        ("2023-11-20T12:00", "2023-11-20T12:00"),
    ],
)  # fmt: skip
def test_it_opens_by_the_carriers_code(asked: str, opens: str) -> None:
    assert hours.next_open(SAO_PAULO, at(asked)) == at(opens)


def test_it_is_an_hour_earlier_in_manaus() -> None:
    assert hours.next_open(MANAUS, at("2026-11-30T09:30")) == at("2026-11-30T09:00", "America/Manaus")
    assert hours.next_open(MANAUS, at("2026-11-30T21:30")) == at("2026-11-30T21:30")
    assert hours.start_of_day(MANAUS, at("2026-11-30T00:30")) == at("2026-11-29T00:00", "America/Manaus")


def test_a_number_that_may_be_in_several_zones_is_written_to_when_it_is_open_in_all() -> None:
    free_call = "+558001234567"  # known to be somewhere from Noronha to Rio Branco, three hours apart
    assert len(hours.zones(free_call)) > 1
    assert hours.next_open(free_call, at("2026-11-30T09:00")) == at("2026-11-30T09:00", "America/Rio_Branco")
    assert hours.closes_at(free_call, at("2026-11-30T12:00")) == at("2026-11-30T21:00", "America/Noronha")


def test_sundays_and_holidays_are_open_if_the_settings_say_so(settings: Settings) -> None:
    settings.SMS_SUNDAYS = settings.SMS_HOLIDAYS = True
    assert hours.next_open(SAO_PAULO, at("2026-12-06T09:00")) == at("2026-12-06T10:00")
    assert hours.next_open(SAO_PAULO, at("2026-12-25T09:00")) == at("2026-12-25T09:00")
    settings.SMS_HOURS = settings.SMS_SATURDAY_HOURS = "00:00-24:00"
    for asked in ("2026-12-05T23:59:59", "2026-12-06T00:00"):
        assert hours.next_open(SAO_PAULO, at(asked)) == at(asked)


def test_it_closes_where_the_number_is() -> None:
    assert hours.closes_at(SAO_PAULO, at("2026-11-30T12:00")) == at("2026-11-30T21:00")
    assert hours.closes_at(MANAUS, at("2026-12-05T12:00")) == at("2026-12-05T16:00", "America/Manaus")


@pytest.mark.parametrize(
    ("expires_at", "minutes"),
    [(None, 120), ("2026-11-30T19:30", 30), ("2026-11-30T22:00", 120), ("2026-11-30T18:00", 120)],
)
def test_an_sms_is_wanted_until_it_closes_or_the_code_expires(expires_at: str | None, minutes: int) -> None:
    payment = Payment(customer_phone=SAO_PAULO, expires_at=at(expires_at) if expires_at else None)
    assert eligibility.valid_for(payment, at("2026-11-30T19:00")) == minutes * 60
