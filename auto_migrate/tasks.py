"""The Celery task behind `force-migrate/`, for projects that have Celery: `django-auto-migrate[celery]`."""

from __future__ import annotations

import contextlib
import logging
import uuid

from celery import shared_task
from django.db import Error

from auto_migrate import migrate
from auto_migrate.exceptions import AutoMigrateError
from auto_migrate.history.store import History

logger = logging.getLogger(__name__)

# A project's own time limits are made for its short tasks, and would cut a migration in two.
A_DAY = 24 * 3600


# Acknowledged early and never retried: a run that was cut short is for an operator to look at and ask for again.
@shared_task(  # type: ignore[untyped-decorator] # Celery has no types
    acks_late=False,
    ignore_result=True,
    max_retries=0,
    time_limit=A_DAY,
    soft_time_limit=A_DAY,
)
def run_migrations(database: str, run_id: str) -> None:
    """Carry out a run that was asked for over HTTP; one that is no longer queued is left alone."""
    try:
        migrate(database, run_id=uuid.UUID(run_id))
    except AutoMigrateError as error:
        # The history has it already, and `status_url` shows it.
        logger.warning("Run %s did not end well: %s", run_id, error)
        _close(database, uuid.UUID(run_id), str(error))


def _close(database: str, run_id: uuid.UUID, error: str) -> None:
    """End a run that the engine could not even begin; one that it ended itself stays as it is."""
    with contextlib.suppress(Error):
        History(database).abandon(run_id, error=error)
