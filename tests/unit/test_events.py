"""Events are values with a stable name, and can be written as JSON."""

from __future__ import annotations

import dataclasses
import json
import re

import pytest

from auto_migrate import events
from auto_migrate.events import Event, MigrationKey
from tests.unit.samples import FIRST, HOLDER, SAMPLES

KINDS = [kind for kind in Event.__subclasses__() if kind.__module__ == events.__name__]
EACH = pytest.mark.parametrize("event", SAMPLES, ids=lambda event: event.kind)


def test_there_is_a_sample_of_every_event() -> None:
    assert {type(event) for event in SAMPLES} == set(KINDS)


def test_kinds_are_the_names_of_the_classes_in_snake_case() -> None:
    assert {kind.__name__: kind.kind for kind in KINDS} == {
        kind.__name__: "_".join(re.findall("[A-Z][a-z]+", kind.__name__)).lower() for kind in KINDS
    }
    assert (events.RunStarted.kind, events.PlanMade.kind) == ("run_started", "plan_made")


@EACH
def test_an_event_becomes_json_with_exactly_its_fields(event: Event) -> None:
    fields = event.as_dict()
    assert list(fields) == [field.name for field in dataclasses.fields(event)]
    assert json.loads(json.dumps(fields, allow_nan=False)) == fields


@EACH
def test_an_event_cannot_be_changed(event: Event) -> None:
    for field in dataclasses.fields(event):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(event, field.name, None)
    assert hash(event) == hash(dataclasses.replace(event))


def test_composed_values_are_told_field_by_field() -> None:
    assert events.LockAwaited(1.0, HOLDER).as_dict() == {
        "waited": 1.0,
        "holder": {
            "description": "web-3:41",
            "since": "2026-03-02T14:03:31+00:00",
            "migration": "billing.0002_total",
            "migration_since": "2026-03-02T14:04:31+00:00",
        },
    }
    assert events.LockAwaited(1.0, None).as_dict() == {"waited": 1.0, "holder": None}


def test_a_migration_is_named_as_people_name_it() -> None:
    assert str(FIRST) == "billing.0001_initial"
    assert MigrationKey("billing", "0001_initial") == FIRST


def test_states_are_the_words_of_the_contract() -> None:
    assert [str(state) for state in events.SchemaState] == ["up_to_date", "behind", "ahead", "diverged"]
    assert [str(status) for status in events.RunStatus] == ["queued", "running", "succeeded", "failed", "interrupted"]
