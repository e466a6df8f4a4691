"""Prometheus metrics, counted in the database when asked for: the same from whichever process answers."""

from __future__ import annotations

from collections.abc import Iterator

import structlog
from django.db import DatabaseError
from django.db.models import Count, Min, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import REGISTRY, Collector

from auto_migrate.reporting.metrics import SchemaCollector
from auto_migrate.web.auth import is_authorized
from webhooks import health, refusals
from webhooks.models import Payment, RecoverySMS, WebhookEvent
from webhooks.panel import figures
from webhooks.states import SMSStatus
from webhooks.views import problem

logger = structlog.get_logger(__name__)


class QueueCollector(Collector):
    """Payments, deliveries and SMS by state, and how late the queue runs."""

    def describe(self) -> list[Metric]:
        """Return nothing, so that registering asks no database."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Count; a database that is away is told by `auto_migrate_database_up`."""
        try:
            yield from self._counted()
        except DatabaseError as error:
            logger.warning("Nothing could be counted", reason=type(error).__name__)

    def _counted(self) -> Iterator[Metric]:
        yield _counted("webhooks_payments", "Payments.", Payment.objects.all(), ["gateway", "status"])
        yield _counted("webhooks_events", "Deliveries kept.", WebhookEvent.objects.all(), ["gateway", "status"])
        yield _counted("webhooks_recovery_sms", "Recovery SMS.", RecoverySMS.objects.all(), ["status"])
        refused = CounterMetricFamily(
            "webhooks_refusals", "Deliveries refused or not known.", labels=["gateway", "reason"]
        )
        for labels, total in refusals.totals().items():
            refused.add_metric(labels, total)
        yield refused
        last = GaugeMetricFamily(
            "webhooks_last_delivery_timestamp_seconds", "When a gateway has last delivered.", labels=["gateway"]
        )
        for gateway, moment in figures.last_deliveries().items():
            if moment is not None:
                last.add_metric([gateway], moment.timestamp())
        yield last
        lag = GaugeMetricFamily("webhooks_recovery_sms_lag_seconds", "How long the oldest due SMS has been waiting.")
        lag.add_metric([], _lag())
        yield lag
        yield from _flags()


def _counted(
    name: str, text: str, rows: QuerySet[Payment] | QuerySet[WebhookEvent] | QuerySet[RecoverySMS], labels: list[str]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=labels)
    for row in rows.order_by().values(*labels).annotate(found=Count("pk")):
        family.add_metric([row[label] for label in labels], row["found"])
    return family


def _flags() -> Iterator[Metric]:
    flags = {
        "webhooks_sms_provider_trouble": ("Whether the provider takes nothing.", "error" in health.sms_provider()),
        "webhooks_sms_budget_spent": ("Whether the day's SMS are spent.", "error" in health.sms_budget()),
        "webhooks_worker_alive": (
            "Whether a worker does what beat asks for.",
            health.sms_scheduler()["celery_available"],
        ),
    }
    for name, (text, is_so) in flags.items():
        yield GaugeMetricFamily(name, text, value=1.0 if is_so else 0.0)


def _lag() -> float:
    oldest = RecoverySMS.objects.filter(status=SMSStatus.SCHEDULED).aggregate(due_at=Min("due_at"))["due_at"]
    return max(0.0, (timezone.now() - oldest).total_seconds()) if oldest else 0.0


def metrics(request: HttpRequest) -> HttpResponse:
    """Return the metrics of the service, its schema and the process, to whom the protected endpoints answer."""
    if not is_authorized(request):
        return problem(403, "forbidden", "Send `Authorization: Bearer <AUTO_MIGRATE_TOKEN>`.")
    registry = CollectorRegistry()
    registry.register(QueueCollector())
    registry.register(SchemaCollector())
    return HttpResponse(generate_latest(registry) + generate_latest(REGISTRY), content_type=CONTENT_TYPE_LATEST)
