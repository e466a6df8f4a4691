"""Prometheus metrics of the schema and its runs (`pip install django-auto-migrate[prometheus]`).

A run lives in a process that is gone before anybody could scrape it, so nothing is counted here: whichever process is
scraped looks at the database. Register it once, in `AppConfig.ready()` or beside the metrics view:

    prometheus_client.REGISTRY.register(SchemaCollector())
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator

from django.db import DEFAULT_DB_ALIAS, Error
from django.db.models import Count
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from auto_migrate.exceptions import DatabaseRefused, DatabaseUnreachable
from auto_migrate.fleet.database_state import TENANTS_FRESH, whole_state
from auto_migrate.history.models import RunRecord
from auto_migrate.history.run_log import RunLog
from auto_migrate.history.store import History
from auto_migrate.lock_wait import aware
from auto_migrate.values import RunStatus, SchemaState, StepStatus

logger = logging.getLogger(__name__)


class SchemaCollector(Collector):
    """How code and database compare, how many runs there were by status, and how the last one went."""

    def __init__(self, databases: Iterable[str] = (DEFAULT_DB_ALIAS,)) -> None:
        self.databases = tuple(databases)

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Return the metrics without a value, so that registering asks no database."""
        return _families().values()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Look at each database; one that is away has `auto_migrate_database_up` 0 and no other value."""
        families = _families()
        for database in self.databases:
            up = self._observe(database, families)
            families["up"].add_metric([database], float(up))
        yield from families.values()

    def _observe(self, database: str, families: dict[str, GaugeMetricFamily]) -> bool:
        try:
            found = whole_state(database, age=TENANTS_FRESH)
            runs = History(database).runs()
            counted = list(runs.order_by().values_list("status").annotate(Count("pk")))
            last = runs.filter(finished_at__isnull=False, started_at__isnull=False).first()
            running = runs.filter(status=RunStatus.RUNNING, started_at__isnull=False).first()
            waited = _waited(database, running) if running else 0.0
        except (DatabaseRefused, DatabaseUnreachable, Error) as error:
            logger.warning("Metrics: %s", error)
            return False
        for state in SchemaState:
            families["state"].add_metric([database, state], float(found.state == state))
        families["pending"].add_metric([database], found.pending)
        for status, count in counted:
            families["runs"].add_metric([database, status], count)
        families["deferred"].add_metric([database], len(found.deferred))
        families["age"].add_metric([database], _age(running))
        families["waited"].add_metric([database], waited)
        if last:
            _add_last(last, database, families)
        return True


def _age(run: RunRecord | None) -> float:
    began = aware(run.started_at) if run else None
    return (timezone.now() - began).total_seconds() if began else 0.0


def _waited(database: str, run: RunRecord) -> float:
    """Return for how many seconds the run has been waiting for others, as it told last; 0 where it goes on."""
    entries = RunLog(database, run.id).entries()
    told = (entries[-1].detail or {}).get("waited", 0.0) if entries else 0.0
    step = run.steps.filter(status=StepStatus.RUNNING).first()  # type: ignore[arg-type] # an unknown registry
    # What was told before the migration under way began is over.
    is_over = step is not None and step.started_at is not None and step.started_at > entries[-1].at if entries else True
    return 0.0 if is_over else float(told)


def _add_last(run: RunRecord, database: str, families: dict[str, GaugeMetricFamily]) -> None:
    if run.started_at and run.finished_at:
        families["finished"].add_metric([database, run.status], run.finished_at.timestamp())
        families["duration"].add_metric([database, run.status], (run.finished_at - run.started_at).total_seconds())


def _families() -> dict[str, GaugeMetricFamily]:
    def gauge(name: str, text: str, *labels: str) -> GaugeMetricFamily:
        return GaugeMetricFamily(f"auto_migrate_{name}", text, labels=["database", *labels])

    return {
        "up": gauge("database_up", "Whether the database answers."),
        "state": gauge("schema_state", "1 for the state that code and database are in.", "state"),
        "pending": gauge("pending_migrations", "Migrations that this code needs and the database has not."),
        "deferred": gauge("deferred_migrations", "Migrations that wait for the deploy to be over."),
        "age": gauge("run_age_seconds", "For how long a run has been under way; 0 while none is."),
        "waited": gauge("run_waited_seconds", "For how long it has been waiting for others, as it told last."),
        "runs": gauge("runs", "Runs in the history.", "status"),
        "finished": gauge("last_run_finished_timestamp_seconds", "When the last run ended.", "status"),
        "duration": gauge("last_run_duration_seconds", "How long the last run took.", "status"),
    }
