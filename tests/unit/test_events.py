"""Events are values with a stable name, and can be written as JSON."""

from __future__ import annotations

import copy
import dataclasses
import json
import re
from unittest.mock import ANY

import pytest

from auto_migrate import events, values
from auto_migrate.events import Event
from auto_migrate.values import MigrationKey
from tests.entries import each_entry
from tests.unit.samples import FIRST, HOLDER, SAMPLES

KINDS = [kind for kind in Event.__subclasses__() if kind.__module__.startswith("auto_migrate.")]
EACH = each_entry("event", SAMPLES, ids=lambda event: event.kind)


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
    assert list(fields) == list(type(event).__annotations__)
    assert json.loads(json.dumps(fields, allow_nan=False)) == fields


@EACH
def test_an_event_cannot_be_changed(event: Event) -> None:
    for name in type(event).__annotations__:
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(event, name, None)
        with pytest.raises(dataclasses.FrozenInstanceError):
            delattr(event, name)


@EACH
def test_an_event_is_what_it_says(event: Event) -> None:
    twin = copy.deepcopy(event)
    assert twin == event
    assert (hash(twin), repr(twin)) == (hash(event), repr(event))
    assert [other for other in SAMPLES if other == event] == [event]


def test_what_compares_itself_with_anything_is_asked() -> None:
    assert [FIRST] == [ANY]
    assert (FIRST.app_label, FIRST.name) != FIRST


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
    assert [str(state) for state in values.SchemaState] == ["up_to_date", "behind", "ahead", "diverged"]
    assert [str(status) for status in values.RunStatus] == ["queued", "running", "succeeded", "failed", "interrupted"]
