"""How far a replica is behind, in seconds, told from positions alone."""

from __future__ import annotations

from collections import deque
from typing import Any

# One is taken a second; a replica that is an hour behind has not begun anew.
KEPT = 3600
# For how many seconds the last one tells of now.
YOUNG = 10.0


class Lag:
    """What the primary's position was at which time, to be compared with the positions of its replicas.

    A server's own measure of the lag says nothing while the replay is paused, and is hidden from most roles. Positions
    only grow, whatever they are: places in the log, or times of a row.
    """

    def __init__(self) -> None:
        self.samples: deque[tuple[float, Any]] = deque()

    def note(self, now: float, position: Any) -> None:
        """Note where the primary is; `now` is a time of the monotonic clock."""
        self.samples.append((now, position))
        if len(self.samples) > KEPT:
            self.samples.popleft()

    def is_young(self, now: float) -> bool:
        """Return whether a position was noted lately, so that those that are noted tell of now."""
        return bool(self.samples) and self.samples[-1][0] <= now <= self.samples[-1][0] + YOUNG

    def has_begun(self, position: Any) -> bool:
        """Return whether a replica has reached what was first noted; None is before everything.

        Before that nobody knows for how long it has been behind.
        """
        return not self.samples or (position is not None and self.samples[0][1] <= position)

    def of(self, now: float, position: Any) -> float:
        """Return the seconds since the primary was last where a replica is that has begun."""
        reached = [at for at, noted in self.samples if noted <= position]
        return 0.0 if len(reached) == len(self.samples) else now - reached[-1]
