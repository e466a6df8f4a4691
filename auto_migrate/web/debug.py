"""Everything that an operator needs to see, on one screen."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from typing import Any

import django
from django.db import Error, connections
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

import auto_migrate
from auto_migrate.backfills.progress import record_of
from auto_migrate.backfills.records import Backfills
from auto_migrate.conf import get_settings
from auto_migrate.databases import adapter_for
from auto_migrate.exceptions import AutoMigrateError, TransientError
from auto_migrate.history.bridge_ledger import BridgeLedger
from auto_migrate.history.models import RunRecord
from auto_migrate.history.store import History
from auto_migrate.inspection import inspect
from auto_migrate.prompt_questions import prompt_questions
from auto_migrate.reporting.bridge_words import grouped
from auto_migrate.values import RunStatus, StepStatus
from auto_migrate.web.auth import protected
from auto_migrate.web.endpoint import asks_databases, endpoint
from auto_migrate.web.pages.frame import for_browsers, wants_page
from auto_migrate.web.responses import answer
from auto_migrate.web.serializers import bridge_record, holder_record, inspection_record, run_in_full
from auto_migrate.web.shown_settings import scrubbed, shown_database, shown_settings

LAST_RUNS = 10


@for_browsers
@endpoint("GET", "HEAD")
@asks_databases
@protected
def debug(request: HttpRequest) -> HttpResponse:
    """Answer the whole situation, as JSON or, to a browser, as a page."""
    if wants_page(request):
        from auto_migrate.web.pages.overview import overview_page

        return overview_page(request, None if request.GET.get("part") == "live" else situation())
    return answer(situation())


def situation() -> dict[str, Any]:
    """Return versions, settings and, database by database, how code and record compare and what ran last."""
    return {
        "timestamp": timezone.now(),
        "release": get_settings().release,
        "versions": {
            "auto_migrate": auto_migrate.__version__,
            "django": django.get_version(),
            "python": platform.python_version(),
        },
        "settings": shown_settings(),
        "databases": {alias: database_situation(alias) for alias in connections},
    }


def database_situation(alias: str) -> dict[str, Any]:
    """Return what there is to know of one database; one that cannot be asked leaves an `error` and hides no other."""
    told: dict[str, Any] = {"settings": shown_database(alias), "driver": _driver(alias)}
    try:
        with prompt_questions(alias):
            told.update(_asked(alias))
    except (AutoMigrateError, TransientError, Error) as error:
        told["error"] = scrubbed(str(error))
    return told


def _asked(alias: str) -> Iterator[tuple[str, Any]]:
    adapter = adapter_for(alias)
    inspection = inspect(alias)
    yield "server", scrubbed(adapter.describe())
    yield "migrations", inspection_record(inspection)
    bridges = [
        {
            **bridge_record(bridge, schemas),
            "definition": scrubbed(bridge.definition),
            "released_as": bridge.released_as,
            "schema_names": schemas,
        }
        for bridge, schemas in grouped(BridgeLedger(alias).everywhere())
    ]
    yield "bridges", bridges
    holder = adapter.lock_holder()
    yield "lock_holder", holder_record(holder) if holder else None
    yield "backfills", [record_of(record, alias) for record in Backfills(alias).all()]
    yield "runs", [_run(run, alias) for run in History(alias).runs().prefetch_related("steps")[:LAST_RUNS]]


def _run(run: RunRecord, alias: str) -> dict[str, Any]:
    """Return a run with the steps that are not simply done."""
    record = run_in_full(run, alias)
    unfinished = {StepStatus.FAILED, StepStatus.INTERRUPTED, StepStatus.RUNNING}
    if run.status not in {RunStatus.QUEUED, RunStatus.RUNNING}:
        record["steps"] = [step for step in record["steps"] if step["status"] in unfinished]
    return record


def _driver(alias: str) -> str:
    driver: Any = getattr(connections[alias], "Database")  # noqa: B009 # django-stubs leave it out
    version = getattr(driver, "__version__", "") or getattr(driver, "sqlite_version", "")
    return f"{driver.__name__} {version}".strip()
