"""What platforms ask, without authentication: is it alive, is it ready, how is it.

`ready/` keeps traffic away and `health/` gets an instance restarted, so they do not fail alike. A schema that is behind
or diverged is a reason to send nobody here, but no restart can mend it.
"""

from __future__ import annotations

import time

from django.http import HttpRequest, JsonResponse
from django.utils import timezone

from auto_migrate.conf import get_settings
from auto_migrate.redaction import presentable
from auto_migrate.reporting.bridge_words import grouped
from auto_migrate.values import TenantsState
from auto_migrate.web.endpoint import endpoint
from auto_migrate.web.health import GOOD, DatabaseReport, Health, database_report, overall, service_report
from auto_migrate.web.responses import answer, problem
from auto_migrate.web.serializers import bridge_record, deferred_record, tenants_record


@endpoint("GET", "HEAD")
def live(request: HttpRequest) -> JsonResponse:
    """Answer, which is all there is to prove; a liveness probe must not fail while the database is away."""
    return answer({"status": "alive"})


@endpoint("GET", "HEAD")
def ready(request: HttpRequest) -> JsonResponse:
    """Answer 200 if traffic may come, else 503 with the reason; `?tenant=` asks for what one tenant needs alone."""
    report, tenant = database_report(), request.GET.get("tenant", "")
    known = report.schema.tenants if report.schema is not None else None
    if tenant and known is not None and tenant not in {*known.states, *known.unprovisioned}:
        return problem("not_found", f"There is no tenant {presentable(tenant)!r}.", status=404)
    reason = _obstacle_of(tenant, known, report) if tenant and known is not None else _obstacle(report)
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


def _obstacle_of(tenant: str, known: TenantsState, database: DatabaseReport) -> str:
    """Return why one tenant cannot be served: for the schema that all share, or for its own."""
    if tenant in known.unprovisioned:
        return "unprovisioned"
    states = (known.shared, known.states[tenant])
    return next((str(state) for state in states if state not in GOOD), "") if database.schema else ""


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
    return {
        "state": schema.state,
        "pending": schema.pending,
        **deferred_record(schema.deferred),
        "bridges": [bridge_record(*alike) for alike in grouped(schema.bridges)],
        **({"tenants": tenants_record(schema.tenants)} if schema.tenants is not None else {}),
    }
