"""What an adoption asks, since no schema proves it, answered."""

from __future__ import annotations

import re


def all_done(asked: str) -> list[str]:
    """Return the options that say of all that was asked that it was done."""
    keys = re.findall(r"^❓ (\S+):", asked, re.MULTILINE)
    return [option for key in keys for option in ("--resolve", f"{key}=done")]
