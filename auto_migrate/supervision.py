"""Somebody else's work under the deploy lock and in the history, such as Django's own `migrate`."""

from __future__ import annotations

import contextlib
import dataclasses
import uuid
from collections.abc import Iterator, Sequence

from auto_migrate.clock import Clock
from auto_migrate.conf import get_settings
from auto_migrate.databases import adapter_for
from auto_migrate.emitter import Emitter, Tally, report_ending
from auto_migrate.events import Listener, RunSucceeded
from auto_migrate.exceptions import TransientError
from auto_migrate.history.listener import HistoryListener
from auto_migrate.lock_wait import hold_deploy_lock
from auto_migrate.values import SchemaState


@dataclasses.dataclass(frozen=True)
class Supervision:
    """What somebody else's work under the deploy lock reports with."""

    emit: Emitter
    tally: Tally


@contextlib.contextmanager
def supervised(
    database: str, *, requested_by: str, listeners: Sequence[Listener] = (), clock: Clock | None = None
) -> Iterator[Supervision]:
    """Hold the deploy lock around work that is not ours, such as Django's own `migrate`, and keep its record."""
    recorder = HistoryListener(database, requested_by=requested_by, awaited=False)
    emit, tally = Emitter(database, uuid.uuid4(), [recorder, *listeners], clock or Clock()), Tally()
    started = emit.clock.monotonic()
    adapter = adapter_for(database)
    with report_ending(emit, tally):
        try:
            with adapter.guarded(limited=False), watched(adapter, emit):
                adapter.prepare()
                with hold_deploy_lock(adapter, emit, lock_wait=get_settings().LOCK_WAIT):
                    yield Supervision(emit, tally)
        except TransientError as fault:
            raise adapter.exhausted(fault) from fault
        except MigrationSchemaMissing:
            with adapter.translate_errors():
                raise
        emit(RunSucceeded(SchemaState.UP_TO_DATE, tally.done, emit.clock.monotonic() - started))
