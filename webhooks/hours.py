"""When a person may be written to, by the clock where they are."""

from __future__ import annotations

import re

HOURS = re.compile(r"(\d{2}):([0-5]\d)-(\d{2}):([0-5]\d)")


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
