"""`docs/reference/events.md` describes the events that there are, field by field."""

from __future__ import annotations

import dataclasses
import datetime
import json
import re
from pathlib import Path
from typing import Any

from auto_migrate import backfill_events, bridge_events, events, fleet_events, record_events, values
from auto_migrate.adoption import adoption_events
from auto_migrate.drift import differences, drift_events
from auto_migrate.rehearsal import rehearsal_events as rehearsing
from tests.entries import each_entry
from tests.manage import ROOT

COMMON = ["event", "at", "database", "run_id"]
SECTION = re.compile(r"^### `(?P<kind>\w+)`\n(?P<body>.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)
SECTIONS, IN_PORTUGUESE = (
    {found["kind"]: found["body"] for found in SECTION.finditer(Path(ROOT, "docs/reference", page).read_text("utf-8"))}
    for page in ("events.md", "events.pt-BR.md")
)
# Those of rooms that are imported when they are needed.
ROOMS = (adoption_events, backfill_events, bridge_events, drift_events, fleet_events, record_events, rehearsing)
EVENTS = {kind.kind: kind for kind in events.Event.__subclasses__() if kind.__module__.startswith("auto_migrate.")}
# What a field of an event holds when it is not one of JSON's own types.
COMPOSED = {
    "difference": differences.Difference,
    "differences": differences.Difference,
    "holder": values.Holder,
    "blockers": values.Blocker,
    "bridge": values.Bridge,
    "bridges": values.Bridge,
    "standing": values.Bridge,
    "locks": rehearsing.TakenLock,
    "scans": rehearsing.Scan,
    "unfilled": rehearsing.Unfilled,
    "unchecked": rehearsing.Unchecked,
}


def example(kind: str) -> dict[str, Any]:
    [line] = re.findall(r"^```json\n(.*)\n```$", SECTIONS[kind], re.MULTILINE)
    return dict(json.loads(line))


def names(kind: type) -> list[str]:
    return [field.name for field in dataclasses.fields(kind)]


def test_every_event_is_described_and_nothing_else() -> None:
    assert sorted(SECTIONS) == sorted(EVENTS)


@each_entry("kind", EVENTS)
def test_the_list_names_exactly_the_fields(kind: str) -> None:
    for sections in (SECTIONS, IN_PORTUGUESE):
        assert re.findall(r"^- `(\w+)`: ", sections[kind], re.MULTILINE) == names(EVENTS[kind])


@each_entry("kind", EVENTS)
def test_the_example_has_exactly_the_fields(kind: str) -> None:
    line = example(kind)
    assert list(line) == [*COMMON, *names(EVENTS[kind])]
    assert line["event"] == kind
    assert datetime.datetime.fromisoformat(line["at"]).utcoffset() == datetime.timedelta(0)


@each_entry("kind", [kind for kind in EVENTS if set(names(EVENTS[kind])) & set(COMPOSED)])
def test_the_example_shows_what_a_field_is_composed_of(kind: str) -> None:
    for name in set(names(EVENTS[kind])) & set(COMPOSED):
        value = example(kind)[name]
        parts = value if isinstance(value, list) else [value]
        assert [list(part) for part in parts] == [names(COMPOSED[name])]


@each_entry("kind", EVENTS)
def test_no_field_hides_a_common_key(kind: str) -> None:
    assert not set(names(EVENTS[kind])) & set(COMMON)
