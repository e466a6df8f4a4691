"""When a person may be written to, by the clock where they are.

Twilio forbids marketing in Brazil from 22 to 9 o'clock and on Sundays; the carriers' own code for telemarketing has 9
to 21 on weekdays, 10 to 16 on Saturdays, and neither Sundays nor national holidays. A reminder keeps to the stricter.
"""

from __future__ import annotations

import functools
import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import holidays
import phonenumbers
from django.conf import settings
from django.utils import timezone
from phonenumbers.timezone import time_zones_for_number

HOURS = re.compile(r"(\d{2}):([0-5]\d)-(\d{2}):([0-5]\d)")
SATURDAY, SUNDAY = 5, 6
TRIES = 60
"""Moments looked at until it is open in all zones of a number: more than the zones of any country leave apart."""


def parse_hours(text: str) -> tuple[int, int]:
    """Return the minutes of the day at which hours such as `09:00-21:00` begin and end; raise `ValueError`."""
    found = HOURS.fullmatch(text)
    if found is None:
        raise ValueError("hours are written HH:MM-HH:MM.")
    hour, minute, end_hour, end_minute = map(int, found.groups())
    begin, end = hour * 60 + minute, end_hour * 60 + end_minute
    if not begin < end <= 24 * 60:
        raise ValueError("hours begin before they end, and end by 24:00.")
    return begin, end


def next_open(phone: str, at: datetime) -> datetime:
    """Return `at`, or else the next moment at which the number may be written to, whichever of its zones it is in."""
    country = _country(phone)
    moment = at
    for _ in range(TRIES):
        later = max(_next_open(zone, country, moment) for zone in zones(phone))
        if later == moment:
            break
        moment = later
    return moment


def closes_at(phone: str, at: datetime) -> datetime:
    """Return until when the number may be written to, given that it may at `at`."""
    country = _country(phone)
    return min(_closes_at(zone, country, at) for zone in zones(phone))


def start_of_day(phone: str, at: datetime) -> datetime:
    """Return when the day began where the number is."""
    return min(datetime.combine(at.astimezone(zone), time(), zone) for zone in zones(phone))


def zones(phone: str) -> list[ZoneInfo]:
    """Return the time zones that a number may be in, by its area code; the service's own if nothing is known."""
    return list(_zones(phone)) or [ZoneInfo(settings.TIME_ZONE)]


@functools.lru_cache(maxsize=1024)
def _zones(phone: str) -> tuple[ZoneInfo, ...]:
    found = []
    for name in time_zones_for_number(phonenumbers.parse(phone)):
        try:
            found.append(ZoneInfo(name))
        except ZoneInfoNotFoundError:  # Etc/Unknown
            continue
    return tuple(found)


def _country(phone: str) -> str:
    return phonenumbers.region_code_for_number(phonenumbers.parse(phone)) or ""


def _next_open(zone: ZoneInfo, country: str, at: datetime) -> datetime:
    today = at.astimezone(zone).date()
    for days in range(366):
        day = today + timedelta(days=days)
        if (opening := _opening(zone, country, day)) and at < opening[1]:
            return max(at, opening[0])
    return at + timedelta(days=366)  # settings that open on no day of a year


def _closes_at(zone: ZoneInfo, country: str, at: datetime) -> datetime:
    opening = _opening(zone, country, at.astimezone(zone).date())
    return opening[1] if opening else at


def _opening(zone: ZoneInfo, country: str, day: date) -> tuple[datetime, datetime] | None:
    if day.weekday() == SUNDAY and not settings.SMS_SUNDAYS:
        return None
    if not settings.SMS_HOLIDAYS and day in _holidays(country, day.year):
        return None
    is_weekend = day.weekday() in {SATURDAY, SUNDAY}
    begin, end = parse_hours(settings.SMS_SATURDAY_HOURS if is_weekend else settings.SMS_HOURS)
    return _moment(zone, day, begin), _moment(zone, day, end)


def _moment(zone: ZoneInfo, day: date, minutes: int) -> datetime:
    """Return when the clock of that zone shows so many minutes past that day's midnight."""
    days, minutes = divmod(minutes, 24 * 60)
    clock = time(minutes // 60, minutes % 60)
    return timezone.make_aware(datetime.combine(day + timedelta(days=days), clock), zone).astimezone(UTC)


@functools.lru_cache(maxsize=128)
def _holidays(country: str, year: int) -> frozenset[date]:
    """Return the national holidays of a country; none where the library knows of none."""
    try:
        return frozenset(holidays.country_holidays(country, years=year))
    except NotImplementedError:
        return frozenset()
