"""How far a replica is behind, in seconds, told from positions alone."""

from __future__ import annotations

from collections import deque
from typing import Any

# One is taken a second; a replica that is further behind is behind.
KEPT = 3600


class Lag:
    """What the primary's position was at which time, to be compared with the positions of its replicas.

    A server's own measure of the lag says nothing while the replay is paused, and is hidden from most roles. Positions
    only grow, whatever they are: places in the log, or times of a row.
    """

    def __init__(self) -> None:
        self.samples: deque[tuple[float, Any]] = deque(maxlen=KEPT)

    def note(self, now: float, position: Any) -> None:
        """Note where the primary is; `now` is a time of the monotonic clock."""
        self.samples.append((now, position))

    def of(self, now: float, position: Any) -> float:
        """Return the seconds since the primary was last where a replica is; None is before everything."""
        if not self.samples:
            return 0.0
        reached = [at for at, noted in self.samples if position is not None and noted <= position]
        if len(reached) == len(self.samples):
            return 0.0
        return now - (reached[-1] if reached else self.samples[0][0])
