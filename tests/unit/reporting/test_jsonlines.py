"""Each event becomes one line that any JSON parser takes, whatever the event holds."""

from __future__ import annotations

import datetime
import decimal
import enum
import io
import json
import uuid
from typing import Any

import pytest

from auto_migrate.events import Context, Event, LockAwaited, StateCompared
from auto_migrate.reporting.jsonlines import JsonLines
from auto_migrate.values import Holder, MigrationKey, SchemaState

AT = datetime.datetime(2026, 3, 2, 14, 5, 1, tzinfo=datetime.UTC)
RUN = uuid.UUID("0b9f1c52-7d0a-4e0e-9f0e-5a3f8a1c2d11")
CONTEXT = Context("default", RUN, AT)


class Colour(enum.Enum):
    RED = 1


class Unprintable:
    def __str__(self) -> str:
        raise RuntimeError("no text")


class Flushed(io.StringIO):
    """A stream that knows how much a reader can have seen."""

    seen = 0

    def flush(self) -> None:
        self.seen = self.tell()


def refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is not JSON")


def written(event: Event) -> dict[str, Any]:
    stream = Flushed()
    JsonLines(stream)(event, CONTEXT)
    text = stream.getvalue()
    assert text.isascii()
    assert text.endswith("\n")
    assert text.count("\n") == 1
    assert stream.seen == len(text)
    return dict(json.loads(text, parse_constant=refuse))


class Carrying(Event):
    value: Any


def test_a_line_says_what_happened_where_and_when_before_the_fields() -> None:
    event = StateCompared(SchemaState.BEHIND, (MigrationKey("billing", "0007_total"),), ())
    assert list(written(event).items()) == [
        ("event", "state_compared"),
        ("at", "2026-03-02T14:05:01.000+00:00"),
        ("database", "default"),
        ("run_id", str(RUN)),
        ("state", "behind"),
        ("pending", ["billing.0007_total"]),
        ("unknown", []),
        ("deferred", []),
        ("phase", "all"),
    ]


def test_values_within_values_are_told_too() -> None:
    holder = Holder("web-3:41", AT, MigrationKey("billing", "0007_total"), None)
    assert written(LockAwaited(1.5, holder))["holder"] == {
        "description": "web-3:41",
        "since": "2026-03-02T14:05:01+00:00",
        "migration": "billing.0007_total",
        "migration_since": None,
    }


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("Migração 🔄\nsecond line", "Migração 🔄\nsecond line"),
        ("a lone surrogate \udce9", "a lone surrogate \udce9"),
        (float("inf"), "inf"),
        ({1: {2}, None: (b"x",)}, {"1": [2], "None": ["b'x'"]}),
        (decimal.Decimal("1.10"), "1.10"),
        (Colour.RED, "Colour.RED"),
        (Unprintable(), "<Unprintable>"),
        ([True, 3, None, 1.5], [True, 3, None, 1.5]),
    ],
)
def test_any_value_gets_into_the_line(value: Any, line: Any) -> None:
    assert written(Carrying(value))["value"] == line
