"""A run as one sees it from outside: its row, its steps, what it told, and what its sessions do at this moment."""

from __future__ import annotations

import dataclasses
import datetime
import functools
import hashlib
import json
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connections

from auto_migrate.databases.postgresql.blocking import BlockingSession, RunActivity, StatementProgress, run_activity
from auto_migrate.events import LockAwaited, SessionsAwaited, TablesAwaited
from auto_migrate.history.durations import durations
from auto_migrate.history.models import EventRecord, RunRecord, StepRecord
from auto_migrate.history.run_log import FORESEEN, RunLog, Wish
from auto_migrate.history.store import ACTIVE, History
from auto_migrate.lock_wait import aware
from auto_migrate.values import MigrationKey, RunStatus, StepStatus
from auto_migrate.web.serializers import DONE, run_in_full

# What Django's own `migrate` does ends where Django ends it.
STOCK = "migrate"
WAITS = frozenset({event.kind for event in (LockAwaited, SessionsAwaited, TablesAwaited)})


@dataclasses.dataclass(frozen=True)
class RunSnapshot:
    """Everything that is shown of a run; `alive` is None where the vendor does not tell who holds the deploy lock."""

    database: str
    run: RunRecord
    steps: Sequence[StepRecord]
    entries: Sequence[EventRecord]
    under_way: StatementProgress | None
    in_the_way: Sequence[BlockingSession]
    alive: bool | None
    earlier: Mapping[MigrationKey, float]
    shown: dict[tuple[object, ...], Any] = dataclasses.field(default_factory=dict, repr=False)
    """What was made of it to be shown, for others who look in the same moment."""

    @property
    def is_active(self) -> bool:
        """Whether the run has not ended, as far as its row tells."""
        return self.run.status in ACTIVE

    @property
    def done(self) -> int:
        """How many migrations are where the run was to bring them."""
        return sum(step.status in DONE for step in self.steps)

    @property
    def current(self) -> StepRecord | None:
        """The migration that the run is on."""
        return next((step for step in self.steps if step.status == StepStatus.RUNNING), None)

    @property
    def stop_asked(self) -> EventRecord | None:
        """Who asked the run to stop, and when."""
        return next((entry for entry in self.entries if entry.kind == Wish.STOP), None)

    @property
    def forecast(self) -> Mapping[str, Any] | None:
        """How long the run was to take, as it was foreseen when it began."""
        told = [entry.detail for entry in self.entries if entry.kind == FORESEEN]
        return told[-1] if told else None

    @property
    def may_stop(self) -> bool:
        """Whether the run takes wishes."""
        return self.is_active and self.run.requested_by != STOCK

    @property
    def wait(self) -> EventRecord | None:
        """The wait that the run told of last, if it has told nothing since."""
        last = self.entries[-1] if self.entries and self.is_active else None
        return last if last and last.kind in WAITS else None

    def seconds_left(self, now: datetime.datetime) -> float | None:
        """Estimate the seconds until the run ends; None where it has migrations that were never timed here."""
        total = 0.0
        for step in self.steps:
            if step.status in {StepStatus.PENDING, StepStatus.RUNNING}:
                seconds = self._left_of(step, now)
                if seconds is None:
                    return None
                total += seconds
        return total if self.steps else None

    def _left_of(self, step: StepRecord, now: datetime.datetime) -> float | None:
        work = self.under_way
        if step.status == StepStatus.RUNNING and work and work.total and work.done and work.since:
            gone = (now - work.since).total_seconds()
            return gone * (work.total - work.done) / work.done
        took = self.earlier.get(MigrationKey(step.app_label, step.name), self._foreseen(step))
        began = aware(step.started_at) if step.status == StepStatus.RUNNING else None
        if took is None:
            return None
        return max(0.0, took - (now - began).total_seconds()) if began else took

    def _foreseen(self, step: StepRecord) -> float | None:
        told = (self.forecast or {}).get("migrations", ())
        name = f"{step.app_label}.{step.name}"
        return next((one["seconds"] for one in told if one["migration"] == name), None)

    @functools.cached_property
    def digest(self) -> str:
        """A hash of all that is shown but the time that passes."""
        told = [
            run_in_full(self.run, self.database),
            [(entry.pk, entry.at, entry.kind, entry.by, entry.detail) for entry in self.entries],
            dataclasses.astuple(self.under_way) if self.under_way else None,
            [dataclasses.astuple(session) for session in self.in_the_way],
            self.alive,
        ]
        return hashlib.sha256(json.dumps(told, cls=DjangoJSONEncoder).encode()).hexdigest()[:32]


def run_snapshot(database: str, run: RunRecord) -> RunSnapshot:
    """Look at a run; its steps should have been fetched with it."""
    steps = list(run.steps.all())  # type: ignore[arg-type] # the plugin does not know this registry
    entries = RunLog(database, run.id).entries()
    looked = _look(database, run, entries) if run.status == RunStatus.RUNNING else None
    waiting = [step for step in steps if step.status in {StepStatus.PENDING, StepStatus.RUNNING}]
    keys = [MigrationKey(step.app_label, step.name) for step in waiting]
    earlier = durations(database, keys) if run.status in ACTIVE else {}
    stands = looked or RunActivity(held=False)
    alive = looked.held if looked else None
    return RunSnapshot(database, run, steps, entries, stands.work, stands.in_the_way, alive, earlier)


def _look(database: str, run: RunRecord, entries: Sequence[EventRecord]) -> RunActivity | None:
    if connections[database].vendor != "postgresql":
        return None
    wanted, told = _waited_for(entries)
    return run_activity(connections[database], run.id, wanted=wanted, told=told)


def _waited_for(entries: Sequence[EventRecord]) -> tuple[dict[str, str], list[int]]:
    """Return the locks that the run told last it looks for, and the sessions it said are in its way."""
    waits = [entry for entry in entries if entry.kind in WAITS]
    detail = (waits[-1].detail or {}) if waits else {}
    wanted = {lock["table"]: lock["mode"] for lock in detail.get("wanted", ())}
    # Of a statement that waits, and of tables, the server itself tells who is in the way.
    told = () if wanted or detail.get("reason") == "statement" else detail.get("blockers", ())
    return wanted, [blocker["pid"] for blocker in told if blocker["pid"]]


# For how many seconds what was seen is shown to others who look: many may watch one run.
FRESH = 0.5
_seen: dict[tuple[str, uuid.UUID], tuple[float, RunSnapshot]] = {}


def shared_snapshot(database: str, run_id: uuid.UUID) -> RunSnapshot | None:
    """Return what somebody in this process has seen of a run just now, or look; None if there is no such run."""
    now = time.monotonic()
    for key in [key for key, (when, _snapshot) in list(_seen.items()) if now - when > FRESH]:
        _seen.pop(key, None)
    if (found := _seen.get((database, run_id))) is not None:
        return found[1]
    if (run := History(database).get(run_id)) is None:
        return None
    looked = run_snapshot(database, run)
    _seen[database, run_id] = (now, looked)
    return looked


def forget() -> None:
    """Let everybody look anew, as tests must that change what is seen."""
    _seen.clear()
