"""A gateway whose module fails while it is loaded."""

LABEL = "Broken" * (1 // 0)
