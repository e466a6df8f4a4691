"""How what happens in one schema of many is told: apart from the run, one thread at a time."""

from __future__ import annotations

import contextlib
from typing import Any

from auto_migrate.emitter import Emitter, one_at_a_time
from auto_migrate.events import Listener
from auto_migrate.history.listener import HistoryListener
from auto_migrate.request import RunRequest


def schema_emitter(whole: Emitter, mutex: contextlib.AbstractContextManager[Any], request: RunRequest) -> Emitter:
    """Return the emitter for one schema of a run, with a history of its own: each thread writes over its connection."""
    history = HistoryListener(whole.database, requested_by=request.requested_by)
    history.started = True
    others: list[Listener] = [
        one_at_a_time(listener, mutex) for listener in whole.listeners if not isinstance(listener, HistoryListener)
    ]
    # The project's own listeners are among those of the run.
    return Emitter(whole.database, whole.run_id, [history, *others], whole.clock, tells_project=False)
