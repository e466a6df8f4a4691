"""How many rows the next batch takes, so that each takes about as long as it shall."""

from __future__ import annotations

import dataclasses

# Of the time that a batch may take, since one that is a little slower than the last must not take much longer.
AIM = 0.8
# How much more rows one batch may take than the one before, which may have been lucky; and while it takes no time to
# speak of, as at the beginning.
GROWTH, LEAP = 2.0, 8.0
# The weight of the last batch in the rate; GitLab's batched migrations take the same.
WEIGHT = 0.4


@dataclasses.dataclass
class BatchSize:
    """The size of the next batch, `rows`, for batches of `target` seconds; `rate` is in rows a second."""

    rows: int
    target: float
    rate: float = 0.0

    def note(self, rows: int, seconds: float) -> None:
        """Take account of a batch: at once where it was slow, by and by where it was quick."""
        measured = rows / max(seconds, 1e-6)
        self.rate = measured if not self.rate else self.rate + WEIGHT * (measured - self.rate)
        wanted = min(self.rate, measured) * self.target * AIM
        growth = LEAP if seconds * 2 * LEAP < self.target else GROWTH
        # A page that was not full tells too little to grow by.
        most = self.rows * growth if rows >= self.rows else self.rows
        self.rows = max(1, round(min(wanted, most)))

    def halve(self) -> None:
        """Take account of a batch that was in somebody's way, or somebody in its."""
        self.rows = max(1, self.rows // 2)
