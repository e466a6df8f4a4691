"""How states, times and what a run has told are said on the pages."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate import events, record_events
from auto_migrate.databases.session_waits import TEXTS, Reason
from auto_migrate.duration_words import exact_duration
from auto_migrate.history.models import EventRecord
from auto_migrate.history.run_log import BLOCKER_ENDED, FORESEEN, Wish
from auto_migrate.lock_wait import aware
from auto_migrate.web.pages.markup import tag

# What stands where there is nothing to tell.
NONE = "\N{EN DASH}"
STATES: Mapping[str, str] = {
    "queued": gettext_noop("queued"),
    "running": gettext_noop("running"),
    "succeeded": gettext_noop("succeeded"),
    "failed": gettext_noop("failed"),
    "interrupted": gettext_noop("interrupted"),
    "pending": gettext_noop("pending"),
    "paused": gettext_noop("paused"),
    "cancelled": gettext_noop("cancelled"),
    "applied": gettext_noop("applied"),
    "unapplied": gettext_noop("unapplied"),
    "up_to_date": gettext_noop("up to date"),
    "behind": gettext_noop("behind"),
    "ahead": gettext_noop("ahead"),
    "diverged": gettext_noop("diverged"),
    "unknown": gettext_noop("unknown"),
    "error": gettext_noop("error"),
    "warning": gettext_noop("warning"),
    "notice": gettext_noop("notice"),
}
PHASES: Mapping[str, str] = {
    "all": gettext_noop("all phases"),
    "pre_deploy": gettext_noop("before the deploy"),
    "post_deploy": gettext_noop("after the deploy"),
}


def state(value: str) -> SafeString:
    """Return a state as a word in a frame, whose colour says nothing that the word does not."""
    return tag("span", _(STATES.get(value, value)), class_=f"am-state am-{value}", data_state=value)


def level(value: str, handled: object) -> SafeString:
    """Return the level of a finding; what is taken care of is no alarm."""
    return state("notice" if handled else value)


def clock(seconds: float) -> str:
    """Return a duration as a clock shows it, in every language: `0:42`, `1:02:03`."""
    minutes, rest = divmod(max(0, int(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def at(moment: datetime.datetime | None) -> SafeString | str:
    """Return a time of day."""
    known = aware(moment)
    if known is None:
        return NONE
    return tag("time", within(known), datetime=timezone.localtime(known).isoformat())


def within(moment: datetime.datetime) -> str:
    """Return a time of day as it stands in a sentence."""
    local = timezone.localtime(moment)
    return f"{date_format(local, 'SHORT_DATE_FORMAT')} {local:%H:%M:%S}"


def since(moment: datetime.datetime | None) -> SafeString | None:
    """Return the time that has passed since then, which goes on while one looks."""
    known = aware(moment)
    if known is None:
        return None
    gone = (timezone.now() - known).total_seconds()
    return tag("time", clock(gone), data_since=known.isoformat(), datetime=f"PT{max(0, int(gone))}S")


def until(seconds: float) -> SafeString:
    """Return a time that is left, which becomes less while one looks."""
    end = timezone.now() + datetime.timedelta(seconds=seconds)
    return tag("time", clock(seconds), data_until=end.isoformat(), datetime=f"PT{int(seconds)}S")


# -- what a run has told ----------------------------------------------------------------------------------------------


def sentence(entry: EventRecord) -> str:
    """Return what an entry of a run's log says."""
    detail: dict[str, Any] = entry.detail or {}
    say = SENTENCES.get(entry.kind)
    return say({**detail, "by": entry.by}) if say else entry.kind.replace("_", " ")


def _filled(text: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda detail: _(text).format(**detail)


def _sessions(detail: Mapping[str, Any]) -> str:
    return _("It waits: {what}.").format(what=_(TEXTS[Reason(detail["reason"])]).format(waited=detail["waited"]))


def _lock(detail: Mapping[str, Any]) -> str:
    holder = detail["holder"]
    who = holder["description"] if holder else _("another runner")
    return _("It waits for the deploy lock since {waited:.0f} s; {holder} holds it.").format(
        waited=detail["waited"], holder=who
    )


def _mended(detail: Mapping[str, Any]) -> str:
    return _("The record of squashes was completed: {names}.").format(names=", ".join(detail["migrations"]))


def _foreseen(detail: Mapping[str, Any]) -> str:
    seconds, lock = detail["seconds"], detail["longest_lock_seconds"]
    told = {"lock": exact_duration(lock), "time": "" if seconds is None else exact_duration(seconds)}
    if seconds is None:
        return _("Foreseen: a lock of {lock} at most; how long functions, or going back, take nobody can tell.").format(
            **told
        )
    return _("Foreseen: {time}, with a lock of {lock} at most.").format(**told)


def _others(detail: Mapping[str, Any]) -> str:
    return _("Clients of another release are connected: {clients}.").format(clients=", ".join(detail["clients"]))


SENTENCES: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    events.AttemptFailed.kind: _filled(
        gettext_noop("Attempt {attempt} of {attempts} failed: {reason}. {detail}"),
    ),
    events.RetryScheduled.kind: _filled(gettext_noop("The next attempt comes in {delay:.0f} s.")),
    events.TablesAwaited.kind: _filled(
        gettext_noop("{migration} has waited {waited:.0f} s for a moment at which its tables are free."),
    ),
    events.SessionsAwaited.kind: _sessions,
    events.LockAwaited.kind: _lock,
    record_events.RecordMended.kind: _mended,
    FORESEEN: _foreseen,
    events.OlderReleasesNoticed.kind: _others,
    events.PoolerNoticed.kind: _filled(
        gettext_noop("A pooler stands between: migrations that are not atomic have no limits of their own."),
    ),
    Wish.STOP: _filled(gettext_noop("{by} asked the run to stop.")),
    Wish.RETRY: _filled(gettext_noop("{by} asked for the next attempt at once.")),
    BLOCKER_ENDED: _filled(gettext_noop("{by} ended the session {pid} ({user} {application}), which was in the way.")),
}
