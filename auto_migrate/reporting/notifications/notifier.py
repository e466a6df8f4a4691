"""The listener that notifies: what of a run is worth a message, and threads that deliver it.

Whatever a service does, the run goes on: a message is put into a queue that never makes it wait, and what does not fit
is left out. When the run is over, what is still to be said has a few seconds.
"""

from __future__ import annotations

import contextlib
import datetime
import logging
import queue
import socket
import threading
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.db import DEFAULT_DB_ALIAS
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from auto_migrate.backfill_events import BackfillProgressed
from auto_migrate.backfills.progress import described
from auto_migrate.conf import get_settings
from auto_migrate.databases.session_waits import TEXTS, Reason, describe_blocker
from auto_migrate.events import (
    Context,
    Event,
    LockAcquired,
    LockAwaited,
    NotificationTested,
    PlanMade,
    RunFailed,
    RunStarted,
    RunStopped,
    RunSucceeded,
    SessionsAwaited,
    StateCompared,
    TablesAwaited,
)
from auto_migrate.exit_codes import ExitCode
from auto_migrate.numerals import numeral
from auto_migrate.redaction import presentable
from auto_migrate.reporting.notifications.message import Message
from auto_migrate.reporting.notifications.recipient import DeliveryFailed, Recipient
from auto_migrate.reporting.notifications.services import deliver
from auto_migrate.values import BackfillState, MigrationKey

logger = logging.getLogger(__name__)

# How many messages may wait for one service, and for how many seconds the end of a run waits for all of them.
LONGEST_QUEUE = 20
LAST_WORDS = 5.0
# Before the second and last attempt at one message, in seconds.
PAUSE = 0.5

ENDED_BACKFILLS = frozenset({BackfillState.SUCCEEDED, BackfillState.FAILED, BackfillState.CANCELLED})
WAITS = (LockAwaited, TablesAwaited, SessionsAwaited)


class Courier:
    """Delivers the messages of one run to one address, one after the other, in a thread that ends with the run."""

    def __init__(self, address: str) -> None:
        self.recipient = Recipient(address)
        self._queue: queue.Queue[Message | None] = queue.Queue(LONGEST_QUEUE)
        self._thread: threading.Thread | None = None
        self._ended = threading.Event()

    def send(self, message: Message) -> None:
        """Put a message into the queue, or leave it out where the queue is full."""
        if self._thread is None:
            name = f"auto_migrate notifies {self.recipient.name}"
            self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
            self._thread.start()
        try:
            self._queue.put_nowait(message)
        except queue.Full:
            logger.warning("%s is too slow: a message was left out.", self.recipient.name)

    def close(self, seconds: float) -> None:
        """Let what is in the queue be delivered, for some seconds at most."""
        if self._thread is None:
            return
        with contextlib.suppress(queue.Full):
            self._queue.put_nowait(None)
        self._thread.join(max(0.0, seconds))
        self._ended.set()

    def _serve(self) -> None:
        while (message := self._queue.get()) is not None and not self._ended.is_set():
            try:
                self._deliver(message)
            except DeliveryFailed as error:
                logger.warning("%s did not take a message: %s", self.recipient.name, error)

    def _deliver(self, message: Message) -> None:
        try:
            deliver(self.recipient, message)
        except DeliveryFailed:
            if self._ended.wait(PAUSE):
                raise
            deliver(self.recipient, message)


class Notifier:
    """Tells of one run, to each address the events that the setting names for it."""

    def __init__(self, addresses: Mapping[str, Iterable[str]] | None = None) -> None:
        wanted = get_settings().NOTIFY if addresses is None else addresses
        self.couriers = {address: Courier(address) for address in wanted}
        self.wanted = {address: dict(map(kind_and_seconds, events)) for address, events in wanted.items()}
        self.is_run = False
        self.planned: tuple[MigrationKey, ...] = ()
        self.deferred: tuple[MigrationKey, ...] = ()
        self.applied = 0
        self._told_waits: set[tuple[str, object]] = set()

    def __call__(self, event: Event, context: Context) -> None:
        """Put what is to be told into the queues; at the end of the run, wait for a moment until it is."""
        # Whoever only asks, or waits for the database, makes no run.
        self.is_run |= isinstance(event, RunStarted | LockAcquired)
        if not (self.is_run or isinstance(event, BackfillProgressed)):
            return
        if isinstance(event, BackfillProgressed) and context.is_part and event.is_last:
            # Of thousands of schemas each would be a message: a worker tells of all that it has done.
            return
        self._notice(event)
        for kind, text, details in self._messages(event):
            self._tell(kind, text, details, context, event)
        is_over = isinstance(event, RunSucceeded | RunFailed | RunStopped)
        if is_over or (not self.is_run and event_is_last(event)):
            self._close()

    def _notice(self, event: Event) -> None:
        match event:
            case StateCompared():
                self.deferred = event.deferred
            case PlanMade():
                self.planned = event.migrations

    def _messages(self, event: Event) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Return kind, text and details of what an event is worth."""
        match event:
            case PlanMade() if event.migrations:
                yield "started", counted(event.migrations), {"migrations": list(map(str, event.migrations))}
            case LockAwaited() | TablesAwaited() | SessionsAwaited():
                yield "waiting", waiting(event), {"waited": event.waited}
            case RunFailed():
                kind = "refused" if event.exit_code == ExitCode.PLAN_REFUSED else "failed"
                details = {"exit_code": event.exit_code, "error": event.error, "hint": event.hint}
                yield kind, "\n".join(filter(None, (event.error, event.hint))), details
            case RunStopped():
                text = _("It was asked to stop, after {applied} migrations.").format(applied=event.applied)
                yield "failed", text, {"exit_code": event.exit_code, "applied": event.applied}
            case RunSucceeded():
                yield from self._ended_well(event)
            case BackfillProgressed() if event.state in ENDED_BACKFILLS:
                yield "backfill", described(event), {"backfill": str(event.backfill), "state": event.state}

    def _ended_well(self, event: RunSucceeded) -> Iterator[tuple[str, str, dict[str, Any]]]:
        if event.applied:
            text = _("{count} in {duration} s.").format(
                count=counted(self.planned), duration=numeral(event.duration, ".1f")
            )
            yield "succeeded", text, {"applied": event.applied, "duration": event.duration}
            if self.deferred:
                yield "left", counted(self.deferred), {"migrations": list(map(str, self.deferred))}

    def _tell(self, kind: str, text: str, details: dict[str, Any], context: Context, event: Event) -> None:
        message = Message(
            kind, context.database, str(context.run_id), context.at, presentable(text), get_settings().release,
            socket.gethostname(), run_address(context.database, context.run_id), details,
        )  # fmt: skip
        for address, courier in self.couriers.items():
            seconds = self.wanted[address].get(kind)
            if seconds is not None and not (isinstance(event, WAITS) and self._is_early(address, event, seconds)):
                courier.send(message)

    def _is_early(self, address: str, event: Event, seconds: float) -> bool:
        """Return whether a wait is not worth a message, yet or any more."""
        wait = (address, (event.kind, getattr(event, "migration", None), getattr(event, "reason", None)))
        if getattr(event, "waited", 0.0) < seconds:
            self._told_waits.discard(wait)
            return True
        early = wait in self._told_waits
        self._told_waits.add(wait)
        return early

    def _close(self) -> None:
        deadline = time.monotonic() + LAST_WORDS
        for courier in self.couriers.values():
            courier.close(deadline - time.monotonic())
        # A worker goes on with the next backfill.
        self.couriers = {address: Courier(address) for address in self.couriers}


def event_is_last(event: Event) -> bool:
    """Return whether a worker that only fills rows may end after this."""
    return isinstance(event, BackfillProgressed) and event.state in ENDED_BACKFILLS


def kind_and_seconds(event: str) -> tuple[str, float]:
    """Read an event of the setting, `failed` or `waiting:60`."""
    kind, _colon, seconds = event.partition(":")
    return kind, float(seconds or 0)


def counted(migrations: Iterable[MigrationKey]) -> str:
    """Return how many migrations there are, and the first of them."""
    names = [str(key) for key in migrations]
    text = ngettext("{count} migration", "{count} migrations", len(names)).format(count=len(names))
    rest = ", …" if len(names) > 5 else ""
    return f"{text}: {', '.join(names[:5])}{rest}" if names else text


def waiting(event: LockAwaited | TablesAwaited | SessionsAwaited) -> str:
    """Return what a run waits for, and who is in the way."""
    if isinstance(event, LockAwaited):
        holder = event.holder.description if event.holder else _("another runner")
        text = _("It waits for the deploy lock since {waited:.0f} s; {holder} holds it.")
        return text.format(waited=event.waited, holder=holder)
    if isinstance(event, TablesAwaited):
        text = _("{migration} has waited {waited:.0f} s for a moment at which its tables are free.")
        told = text.format(migration=event.migration, waited=event.waited)
    else:
        told = _("It waits: {what}.").format(what=_(TEXTS[Reason(event.reason)]).format(waited=event.waited))
    return "\n".join([told, *map(describe_blocker, event.blockers)])


def run_address(database: str, run_id: uuid.UUID) -> str:
    """Return the address of a run's page, empty where the project does not say where its pages are."""
    base = get_settings().SCREEN_URL
    query = "" if database == DEFAULT_DB_ALIAS else f"?database={database}"
    return f"{base.rstrip('/')}/runs/{run_id}/{query}" if base else ""


def try_all(database: str = DEFAULT_DB_ALIAS) -> Iterator[NotificationTested]:
    """Send a test to every address, one after the other, and return what became of each."""
    now, text = datetime.datetime.now(tz=datetime.UTC), _("Nothing has happened. Somebody tests whether this arrives.")
    for address in get_settings().NOTIFY:
        recipient = Recipient(address)
        run_id, error = uuid.uuid4(), ""
        url = run_address(database, run_id)
        message = Message("test", database, str(run_id), now, text, get_settings().release, socket.gethostname(), url)
        try:
            deliver(recipient, message)
        except DeliveryFailed as failed:
            error = str(failed)
        yield NotificationTested(recipient.name, error)
