"""What platforms ask, without authentication: is it alive, is it ready, how is it.

`ready/` keeps traffic away and `health/` gets an instance restarted, so they do not fail alike. A schema that is behind
or diverged is a reason to send nobody here, but no restart can mend it.
"""

from __future__ import annotations

import time

from django.http import HttpRequest, JsonResponse
from django.utils import timezone

from auto_migrate.conf import get_settings
from auto_migrate.web.endpoint import endpoint
from auto_migrate.web.health import DatabaseReport, Health, database_report, overall, service_report
from auto_migrate.web.responses import answer
from auto_migrate.web.serializers import deferred_record


@endpoint("GET", "HEAD")
def live(request: HttpRequest) -> JsonResponse:
    """Answer, which is all there is to prove; a liveness probe must not fail while the database is away."""
    return answer({"status": "alive"})


@endpoint("GET", "HEAD")
def ready(request: HttpRequest) -> JsonResponse:
    """Answer 200 if traffic may come, else 503 with the reason."""
    reason = _obstacle(database_report())
    if reason:
        return answer({"status": "not_ready", "reason": reason}, status=503)
    return answer({"status": "ready"})


@endpoint("GET", "HEAD")
def health(request: HttpRequest) -> JsonResponse:
    """Answer how the service is: 503 if it cannot do its work, which a restart might change, else 200."""
    began = time.perf_counter()
    database, checks = service_report()
    status = overall(database, checks)
    content = {
        "status": status,
        "timestamp": timezone.now().isoformat(),
        "database": {"status": database.status, "vendor": database.vendor},
        "migrations": _migrations(database),
        **({"backfills": database.schema.backfills} if database.schema is not None else {}),
        "checks": checks,
        "release": get_settings().release,
        "processing_time_ms": round((time.perf_counter() - began) * 1000, 1),
    }
    return answer(content, status=503 if status is Health.UNHEALTHY else 200)


def _obstacle(database: DatabaseReport) -> str:
    if database.obstacle:
        return database.obstacle
    if database.schema is None:
        return "database_unreachable"
    return "" if database.health is Health.HEALTHY else str(database.schema.state)


def _migrations(database: DatabaseReport) -> dict[str, object]:
    if database.schema is None:
        return {"state": "unknown", "pending": None, **({"reason": database.obstacle} if database.obstacle else {})}
    schema = database.schema
    return {"state": schema.state, "pending": schema.pending, **deferred_record(schema.deferred)}
