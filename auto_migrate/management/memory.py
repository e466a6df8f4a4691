"""What Python's collector is told by commands that migrate, in a process of their own."""

from __future__ import annotations

import gc

from auto_migrate.events import Context, Event, PlanMade, StateCompared

# Counts that let the collector look at everything, as `gc.set_threshold` takes them: ten times as often as by default.
THRESHOLDS = (700, 5, 1)


def keep_imports() -> None:
    """Let the collector know that what is there stays: all that was imported lives as long as the process.

    Most of its time would be spent on going through it, at the process's end once more.
    """
    gc.freeze()
    # Python looks at everything only when a quarter has come since the last time: let it count from here.
    gc.collect()


def collect_models_soon(event: Event, context: Context) -> None:
    """As soon as there is something to carry out, have the models of each migration, which are cycles, collected soon.

    Without the imports, looking often costs less than Python's habit and keeps fewer dead models in memory. A run with
    nothing to do makes nothing that would have to go.
    """
    match event:
        case StateCompared(pending=(_, *_)) | PlanMade(migrations=(_, *_)):
            gc.set_threshold(*THRESHOLDS)
