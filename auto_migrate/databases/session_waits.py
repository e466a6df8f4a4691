"""Waits of a run for sessions that are in its way: each has a limit, says who it is, and ends."""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate.clock import Clock
from auto_migrate.exceptions import DeployLockTimeout
from auto_migrate.values import Blocker

POLL = 0.2
REPORT_FIRST = 1.0
REPORT_EVERY = 10.0
# How much of a statement is told, in letters.
MAX_QUERY = 120
# The state of a transaction that was prepared for a two-phase commit.
PREPARED = "prepared transaction"
END_SESSION = "SELECT pg_terminate_backend({pid})"


class Reason(enum.StrEnum):
    """What a run waits for."""

    RECORD = "record"
    FENCE = "fence"
    BUILD = "build"
    REHEARSAL = "rehearsal"
    STATEMENT = "statement"
    SILENCE = "silence"


# What is told of each, with the seconds that have passed.
TEXTS = {
    Reason.RECORD: gettext_noop("another transaction has held the lock on the record for {waited:.0f}s"),
    Reason.FENCE: gettext_noop("another runner has been at work outside of a transaction for {waited:.0f}s"),
    Reason.BUILD: gettext_noop("an index build that a runner left behind has been going on for {waited:.0f}s"),
    Reason.REHEARSAL: gettext_noop("another rehearsal has been making its scratch database for {waited:.0f}s"),
    Reason.STATEMENT: gettext_noop("a statement has been waiting in the server for {waited:.0f}s"),
    Reason.SILENCE: gettext_noop(
        "nothing has been answered for {waited:.0f}s, not even on another connection: a pooler that lends a run fewer "
        "than two (default_pool_size), or a network that is away"
    ),
}

# Is told, now and then, what is waited for, for how many seconds, and who is in the way.
Tell = Callable[[Reason, float, tuple[Blocker, ...]], None]


def tell_nobody(_reason: Reason, _waited: float, _blockers: tuple[Blocker, ...]) -> None:
    """Keep the wait to itself."""


def await_free(
    is_free: Callable[[], bool],
    blockers: Callable[[], tuple[Blocker, ...]],
    *,
    reason: Reason,
    limit: float,
    clock: Clock,
    tell: Tell,
) -> None:
    """Poll until nobody is in the way; raise `DeployLockTimeout` after `limit` seconds, naming who is."""
    started = clock.monotonic()
    report_at = REPORT_FIRST
    while not is_free():
        waited = clock.monotonic() - started
        if waited >= limit:
            raise in_the_way(reason, waited, blockers())
        if waited >= report_at:
            report_at = waited + REPORT_EVERY
            tell(reason, waited, blockers())
        clock.pause(min(POLL, max(0.0, limit - waited)))


def in_the_way(reason: Reason, waited: float, blockers: tuple[Blocker, ...]) -> DeployLockTimeout:
    """Say what was waited for in vain, who is in the way, and what to type."""
    return DeployLockTimeout(
        _("Nothing more was done: {reason}.").format(reason=_(TEXTS[reason]).format(waited=waited)),
        hint="\n".join(ways_out(blockers)),
    )


def ways_out(blockers: Sequence[Blocker], *, ending: str = END_SESSION) -> list[str]:
    """Say who is in the way and what may be done about it, as lines; `ending` is what ends one of them."""
    advice = _("Let it finish and run again.")
    if statements := endings_of_sessions(blockers, ending):
        advice = _("Let it finish and run again, or end it: {statement}").format(statement=statements)
    return [*map(describe_blocker, blockers), *endings_of_prepared(blockers), advice]


def endings_of_sessions(blockers: Sequence[Blocker], ending: str = END_SESSION) -> str:
    """Return the statements that end those in the way, as they are typed; empty where none of them has a session."""
    pids = dict.fromkeys(blocker.pid for blocker in blockers if blocker.pid)
    return "; ".join(ending.format(pid=pid) for pid in pids)


def endings_of_prepared(blockers: Sequence[Blocker]) -> list[str]:
    """Say how prepared transactions end, which have no session that could be ended, and outlive a restart."""
    if not any(blocker.state == PREPARED for blocker in blockers):
        return []
    return [_("A prepared transaction has no session to be ended: COMMIT PREPARED it, or ROLLBACK PREPARED.")]


def describe_blocker(blocker: Blocker) -> str:
    """Say on one line who is in the way and since when."""
    age = _("open for {age:.0f}s").format(age=blocker.age) if blocker.age is not None else ""
    who = f"pid {blocker.pid}" if blocker.pid else ""
    parts = (who, blocker.user, blocker.application, blocker.state, age, blocker.query)
    told = ", ".join(part for part in parts if part)
    return f"  {blocker.table}: {told}" if blocker.table else f"  {told}"


def shortened_statement(query: str | None) -> str:
    """Return a statement as one line, the beginning of it if it is long; of one that is hidden nothing."""
    return " ".join((query or "").split())[:MAX_QUERY]


def blocker_of(row: Sequence[Any]) -> Blocker:
    """Return pid, role, name, state, age and query of a session as a value; what is hidden from this role is empty."""
    pid, user, application, state, age, query = row
    told = shortened_statement(query)
    return Blocker("", pid, user or "", application or "", state or "", autovacuum=False, age=age, query=told)
