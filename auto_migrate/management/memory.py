"""What Python's collector is told by commands that migrate."""

from __future__ import annotations

import gc

# Counts that let the collector look at everything, as `gc.set_threshold` takes them: ten times as often as by default.
THRESHOLDS = (700, 5, 1)


def collect_models_soon() -> None:
    """Let the collector know that what is there stays, while the models of each migration, which are cycles, go.

    All that was imported lives as long as the process, and most of the time would be spent on going through it. Without
    it, looking often costs less than Python's habit and keeps fewer dead models in memory.
    """
    gc.freeze()
    # Python looks at everything only when a quarter has come since the last time: let it count from here.
    gc.collect()
    gc.set_threshold(*THRESHOLDS)
