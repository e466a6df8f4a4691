"""Durations (in seconds) as people say them."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from auto_migrate.numerals import numeral

MINUTE, HOUR, DAY = 60, 3600, 24 * 3600


def exact_duration(seconds: float) -> str:
    """Write a duration that was measured: `40 ms`, `12.5 s`, `3 min 20 s`."""
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < MINUTE:
        return f"{numeral(seconds, '.1f')} s"
    minutes, rest = divmod(round(seconds), MINUTE)
    return f"{minutes} min {rest} s"


def rough_duration(seconds: float) -> str:
    """Write a duration in its largest unit: 40 s, 12 min, 3 h, 2 d."""
    for size, text in ((DAY, _("{count:.0f} d")), (HOUR, _("{count:.0f} h")), (MINUTE, _("{count:.0f} min"))):
        if seconds >= 2 * size:
            return text.format(count=seconds / size)
    return _("{count:.0f} s").format(count=seconds)


def estimated_duration(seconds: float) -> str:
    """Write a duration that was estimated."""
    if seconds < 1:
        return _("less than a second")
    return _("about {duration}").format(duration=rough_duration(seconds))


def window(seconds: float) -> str:
    """Write the length of a window, an hour at the least, in whole hours or days."""
    if seconds >= 2 * DAY:
        return ngettext("{count} day", "{count} days", int(seconds / DAY)).format(count=int(seconds / DAY))
    return ngettext("{count} hour", "{count} hours", int(seconds / HOUR)).format(count=int(seconds / HOUR))
