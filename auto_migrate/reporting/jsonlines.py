"""The log that programs read: one JSON object a line, in ASCII, as `docs/reference/events.md` describes it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, Protocol

from auto_migrate.events import Context, Event
from auto_migrate.redaction import mapped, redacted
from auto_migrate.reporting.outlet import Outlet


class Stream(Protocol):
    """What lines are written to."""

    def write(self, text: str, /) -> object: ...

    def flush(self) -> object: ...


class JsonLines:
    """Writes every event to `stream` at once, so that a log that is followed shows it."""

    def __init__(self, stream: Stream) -> None:
        self.outlet = Outlet(stream)

    def __call__(self, event: Event, context: Context) -> None:
        """Write one event: what, when (RFC 3339, UTC) and where it happened, then its own fields."""
        line = {
            "event": event.kind,
            "at": context.at.isoformat(timespec="milliseconds"),
            "database": context.database,
            "run_id": str(context.run_id),
            **({"schema": context.schema} if context.schema else {}),
            **event.as_dict(),
        }
        self.outlet.write(json.dumps(plain(line), allow_nan=False) + "\n")


def plain(value: Any) -> Any:
    """Return what every JSON parser takes: no NaN, no keys but text, and as text whatever JSON has no type for."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        # Statements of a plan are as they will be sent, for those who ask for the script alone.
        return {text(key): plain(mapped(item, redacted) if key == "sql" else item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return text(value)


def text(value: object) -> str:
    """Return a value as text, whatever it is: a line with a hole is worth more than no line."""
    try:
        return str(value)
    except Exception:  # noqa: BLE001 # somebody else's __str__
        return f"<{type(value).__name__}>"
