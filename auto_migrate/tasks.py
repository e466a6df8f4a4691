"""The Celery tasks, for projects that have Celery: `django-auto-migrate[celery]`.

`run_migrations` is behind `force-migrate/`. `run_post_deploy` is for beat, where phases are on or bridges are raised,
and `run_backfills` is where migrations have backfills in the background::

    CELERY_BEAT_SCHEDULE = {
        "post-deploy": {"task": "auto_migrate.tasks.run_post_deploy", "schedule": 60.0},
        "backfills": {"task": "auto_migrate.tasks.run_backfills", "schedule": 60.0},
    }
"""

from __future__ import annotations

import contextlib
import logging
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from django.db import DEFAULT_DB_ALIAS, Error
from django.utils.translation import gettext as _

from auto_migrate import migrate
from auto_migrate.exceptions import AutoMigrateError, RunNotQueued, TransientError, UsageError
from auto_migrate.history.store import History
from auto_migrate.planning.loader import Loader
from auto_migrate.planning.targets import Goal
from auto_migrate.postponed import Waiting, apply_postponed
from auto_migrate.prompt_questions import prompt_questions
from auto_migrate.request import RunRequest
from auto_migrate.safety.acknowledgements import of_text
from auto_migrate.values import RunStatus

try:
    from celery import shared_task
except ModuleNotFoundError as error:
    if error.name != "celery":
        raise

    # Procrastinate, Dramatiq and Huey import each app's `tasks`, too: there is nothing for them in this one.
    def shared_task(**_options: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
        """Leave a function as it is."""
        return lambda function: function


logger = logging.getLogger(__name__)

# A project's own time limits are made for its short tasks, and would cut a migration in two.
A_DAY = 24 * 3600
# How long one call waits for backfills that somebody has paused, in seconds; the next one of beat comes soon.
PATIENCE = 50.0


# Acknowledged early and never retried: a run that was cut short is for an operator to look at and ask for again.
OPTIONS: dict[str, Any] = {
    "acks_late": False,
    "ignore_result": True,
    "max_retries": 0,
    "time_limit": A_DAY,
    "soft_time_limit": A_DAY,
}


@shared_task(**OPTIONS)  # type: ignore[untyped-decorator] # Celery has no types
def run_migrations(database: str, run_id: str, wanted: Sequence[str] = (), acknowledge: Sequence[str] = ()) -> None:
    """Carry out a run that was asked for over HTTP; one that is no longer queued is left alone.

    `wanted` are the migrations that whoever asked knows to be pending. A worker of another release, which has no files
    for them, would find nothing to do and call that a success: it fails the run instead.
    """
    run = uuid.UUID(run_id)
    try:
        if missing := sorted(set(wanted) - known_migrations()):
            raise UsageError(
                _("This worker is of another release: it does not have {names}.").format(names=", ".join(missing)),
                hint=_("Restart the workers with the release that has them, and ask again."),
            )
        with prompt_questions(database):
            asked = History(database).get(run)
        goal = Goal.asked(None, None, asked.phase if asked else None)
        acknowledgements = tuple(map(of_text, acknowledge))
        migrate(database, RunRequest(goal=goal, queued=run, acknowledgements=acknowledgements))
    except RunNotQueued:
        logger.info(_("Run {run_id} was begun or given up by somebody else.").format(run_id=run_id))
    except AutoMigrateError as error:
        # The history has it already, and `status_url` shows it, unless the run never began.
        logger.warning(_("Run {run_id} did not end well: {error}").format(run_id=run_id, error=error))
        with contextlib.suppress(AutoMigrateError, Error), prompt_questions(database):
            History(database).abandon(run, error=str(error), status=RunStatus.FAILED)


@shared_task(**OPTIONS)  # type: ignore[untyped-decorator] # as above
def run_post_deploy(database: str = DEFAULT_DB_ALIAS) -> None:
    """Apply what was left for after the deploy, once the deploy is over; until then say in the log what is waited for.

    Bridges come down with it. To be called every minute or so; it asks the database next to nothing where phases are
    off.
    """
    try:
        apply_postponed(database, requested_by="run_post_deploy")
    except Waiting as waiting:
        text = _("{database}: what is for after the deploy waits. {reason}")
        logger.info(text.format(database=database, reason=waiting))
    except (AutoMigrateError, TransientError) as error:
        # The next call tries again where that makes sense.
        text = _("{database}: what is for after the deploy was not applied: {error}")
        logger.warning(text.format(database=database, error=error))


@shared_task(**OPTIONS)  # type: ignore[untyped-decorator] # as above
def run_backfills(database: str = DEFAULT_DB_ALIAS) -> None:
    """Carry out the backfills that nobody is at; one that is paused meanwhile is left for a later call.

    To be called every minute or so; another call does nothing while this one is at work.
    """
    from auto_migrate.backfills import background

    try:
        background.run_backfills(database, patience=PATIENCE)
    except (AutoMigrateError, TransientError) as error:
        # What failed is kept with its error, and whoever mends it resumes it; what was cut goes on at the next call.
        logger.warning(_("{database}: backfills did not end well: {error}").format(database=database, error=error))


def known_migrations() -> set[str]:
    """Name the migrations that this process has files for."""
    loader = Loader(None, load=False)
    loader.load_disk()
    return {f"{app_label}.{name}" for app_label, name in loader.disk_migrations}
