"""Somebody else's work under the deploy lock and in the history, such as Django's own `migrate`."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Iterator, Sequence

from django.db.migrations.exceptions import MigrationSchemaMissing
from django.utils.translation import gettext as _

from auto_migrate.clock import Clock
from auto_migrate.conf import get_settings
from auto_migrate.databases import adapter_for
from auto_migrate.databases.stray_transactions import is_left_open, leave_session
from auto_migrate.emitter import Emitter, report_ending
from auto_migrate.events import Listener, RunSucceeded
from auto_migrate.exceptions import MigrationFailed, TransientError
from auto_migrate.history.listener import HistoryListener
from auto_migrate.lock_wait import hold_deploy_lock
from auto_migrate.values import SchemaState
from auto_migrate.watchdog import watched


@contextlib.contextmanager
def supervised(
    database: str,
    *,
    requested_by: str,
    listeners: Sequence[Listener] = (),
    clock: Clock | None = None,
    fingerprint: Callable[[], str] = str,
    state: Callable[[], SchemaState] = lambda: SchemaState.UP_TO_DATE,
) -> Iterator[Emitter]:
    """Hold the deploy lock around work that is not ours, and keep the record of what is reported to the emitter.

    After the work, `state` is asked for what it has left, and `fingerprint` for that of it, empty if there is none.
    """
    history = HistoryListener(database, requested_by=requested_by)
    emit = Emitter(database, uuid.uuid4(), [history, *listeners], clock or Clock())
    started = emit.clock.monotonic()
    adapter = adapter_for(database)
    was_open = is_left_open(adapter)
    with adapter.guarded(limited=False), watched(adapter, emit), report_ending(emit):
        try:
            adapter.prepare()
            with hold_deploy_lock(adapter, emit, lock_wait=get_settings().LOCK_WAIT):
                yield emit
                if not was_open and is_left_open(adapter):
                    leave_session(adapter)
                    raise MigrationFailed(
                        _("A migration has left a transaction open: all that was done in it was rolled back."),
                        hint=_("Let it commit what it begins, and leave autocommit as it was."),
                    )
        except TransientError as error:
            raise adapter.exhausted(error) from error
        except MigrationSchemaMissing:
            with adapter.translate_errors():
                raise
        duration = emit.clock.monotonic() - started
        emit(RunSucceeded(state(), emit.applied, duration, fingerprint()))
