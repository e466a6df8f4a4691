"""Waiting for the database, and for nothing else."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from django.db import DEFAULT_DB_ALIAS

from auto_migrate.clock import Clock
from auto_migrate.databases import adapter_for
from auto_migrate.emitter import Emitter, report_ending
from auto_migrate.events import DatabaseReady, Listener, WaitStarted
from auto_migrate.retry import Retry, retry_transient_errors


def wait(
    database: str = DEFAULT_DB_ALIAS,
    *,
    retry: Retry,
    stable_for: float = 0.0,
    listeners: Sequence[Listener] = (),
    clock: Clock | None = None,
) -> None:
    """Return when the database answers and accepts writes, and has done so for `stable_for` seconds.

    Raise `DatabaseUnreachable` after the last attempt, `DatabaseRefused` as soon as waiting is useless.
    """
    adapter, clock = adapter_for(database), clock or Clock()
    emit, started = Emitter(database, uuid.uuid4(), listeners, clock), clock.monotonic()

    def usable(_attempt: int) -> None:
        adapter.prepare()
        settled = clock.monotonic() + stable_for
        while (left := settled - clock.monotonic()) > 0:
            clock.pause(min(1.0, left))
            adapter.discard_connection()
            adapter.prepare()

    with report_ending(emit, waiting=True):
        emit(WaitStarted(retry.attempts))
        retry_transient_errors(adapter, usable, retry=retry, emit=emit)
    emit(DatabaseReady(clock.monotonic() - started))
