"""Runs as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from auto_migrate.conf import get_settings
from auto_migrate.fleet_events import SchemasCompared
from auto_migrate.history.models import RunRecord, StepRecord
from auto_migrate.inspection import Inspection
from auto_migrate.redaction import redacted
from auto_migrate.values import Bridge, Holder, MigrationKey, StepStatus, TenantsState

DONE = frozenset({StepStatus.APPLIED, StepStatus.UNAPPLIED})


def run_summary(run: RunRecord, database: str) -> dict[str, Any]:
    """Return a run without its steps."""
    return {
        "run_id": run.id,
        "database": database,
        "status": run.status,
        "phase": run.phase,
        "requested_by": run.requested_by,
        "release": run.release,
        "host": run.host,
        "pid": run.pid,
        "requested_at": run.requested_at,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        "total": run.total,
        "exit_code": run.exit_code,
        # An older version of this app kept them as they were.
        "error": shown(run.error),
        "hint": shown(run.hint),
    }


def run_in_full(run: RunRecord, database: str) -> dict[str, Any]:
    """Return a run with its steps and how far it is; the steps should have been fetched with it."""
    steps = list(run.steps.all())  # type: ignore[arg-type] # the plugin does not know this registry
    summary = run_summary(run, database)
    return {
        **summary,
        "findings": run.findings or [],
        "progress": _progress(run, steps),
        "steps": [_step(step) for step in sorted(steps, key=lambda step: (step.schema_name, step.position))],
    }


def shown(text: str | None) -> str | None:
    """Return a text that was kept without its secrets."""
    return redacted(text) if text else text


def holder_record(holder: Holder) -> dict[str, Any]:
    """Return who holds the deploy lock."""
    return {"description": holder.description, "since": holder.since}


def inspection_record(inspection: Inspection) -> dict[str, Any]:
    """Return how code and database compare, and the plan."""
    return {
        "state": inspection.state,
        "problem": inspection.problem,
        "hint": inspection.hint,
        "pending": [
            {"migration": str(planned.key), "backwards": planned.backwards, "operations": list(planned.operations)}
            for planned in inspection.pending
        ],
        "unknown": [str(key) for key in inspection.unknown],
        **deferred_record(inspection.deferred),
        **schemas_record(inspection.schemas),
    }


def deferred_record(deferred: Iterable[MigrationKey]) -> dict[str, Any]:
    """Return what waits for the deploy, where phases are on."""
    return {"deferred": [str(key) for key in deferred]} if get_settings().PHASES else {}


def tenants_record(tenants: TenantsState) -> dict[str, int]:
    """Return how many tenants there are, how many are behind, and in how many of those a migration failed."""
    return {"total": tenants.total, "behind": len(tenants.pending), "failed": len(tenants.failed)}


def schemas_record(schemas: SchemasCompared | None) -> dict[str, Any]:
    """Return what tenants need, where there are any: one plan for all that share it."""
    if schemas is None:
        return {}
    told = schemas.as_dict()
    return {"tenants": {name: told[name] for name in ("total", "plans", "unprovisioned", "drifting")}}


def bridge_record(bridge: Bridge, schemas: Sequence[str] = ()) -> dict[str, Any]:
    """Return a bridge for whom a schema is compared with the models: which part of it is none of theirs.

    It stands for those of some `schemas`, where a database has tenants.
    """
    return {
        "kind": bridge.kind,
        "migration": str(bridge.migration),
        "table": bridge.table,
        "column": bridge.column or None,
        "name": bridge.name or None,
        "raised_at": bridge.raised_at,
        "released_at": bridge.released_at,
        # How many, and not which: anybody may ask for a service's health.
        "schemas": len(schemas) or None,
    }


def _progress(run: RunRecord, steps: list[StepRecord]) -> dict[str, Any]:
    current = next((step for step in steps if step.status == StepStatus.RUNNING), None)
    return {
        "done": sum(step.status in DONE for step in steps),
        "total": run.total,
        "current": f"{current.app_label}.{current.name}" if current else None,
        "since": current.started_at if current else None,
        **({"online": online} if (online := current and online_step(current)) else {}),
    }


def online_step(step: StepRecord) -> dict[str, Any] | None:
    """Return the operation that is carried out online, and its step that is under way; numbers are 1-based."""
    kept = step.online
    if step.operation_started is None or not kept:
        return None
    steps, done = kept["steps"], min(kept["done"], len(kept["steps"]) - 1)
    return {
        "operation": step.operation_started,
        "step": done + 1,
        "steps": len(steps),
        "name": steps[done]["kind"],
        "table": steps[done]["table"],
    }


def _step(step: StepRecord) -> dict[str, Any]:
    return {
        "position": step.position,
        "migration": f"{step.app_label}.{step.name}",
        **({"schema": step.schema_name} if step.schema_name else {}),
        "backwards": step.backwards,
        "status": step.status,
        "started_at": step.started_at,
        "finished_at": step.finished_at,
        "duration": step.duration,
        "error": shown(step.error),
    }
