"""Celery workers that consume nothing until the migrations of their code are there: `django-auto-migrate[celery]`.

In the project's `celery.py`, after `app = Celery(…)`:

    hold_workers(app)

`AUTO_MIGRATE["WORKERS"] = "start"`, or `AUTO_MIGRATE_WORKERS=start` in the environment, lets them start at once.
"""

from __future__ import annotations

import contextlib
import functools
import logging
from collections.abc import Sequence
from typing import Any

from celery import Celery
from celery.signals import celeryd_after_setup
from django.db import DEFAULT_DB_ALIAS, Error, connections
from django.utils.translation import gettext as _

from auto_migrate.clock import Clock
from auto_migrate.conf import BadSetting, get_settings
from auto_migrate.events import Context, DatabaseAwaited, Event, MigrationsAwaited, NothingPending
from auto_migrate.exceptions import AutoMigrateError, RunInterrupted
from auto_migrate.exit_codes import ExitCode
from auto_migrate.interrupts import interruptible
from auto_migrate.redaction import printable_fields

logger = logging.getLogger(__name__)


def hold_workers(app: Celery, *, databases: Sequence[str] = (DEFAULT_DB_ALIAS,)) -> None:
    """Let every worker of `app` wait for the migrations of `databases` before it forks, connects or consumes."""

    # Why this signal: logging is set up by then, and neither pool nor embedded beat nor consumer has started.
    # A bootstep would come before or after the pool by chance.
    def hold(*, instance: Any, **_kwargs: Any) -> None:
        # Either may be a proxy, such as `current_app`, for which `is` says nothing.
        if instance.app == app:
            await_migrations(databases)

    celeryd_after_setup.connect(hold, weak=False)


def await_migrations(databases: Sequence[str]) -> None:
    """Return when the worker may start; else end it with the exit code that tells why.

    Celery logs what a receiver raises and goes on: only `SystemExit` holds the worker back.
    """
    try:
        # Not at the top: a project's `celery.py` is imported before Django's apps are ready.
        from auto_migrate.migration_wait import wait_for_migrations

        if get_settings().WORKERS == "start":
            return
        with interruptible() as clock:
            for database in databases:
                meanwhile = functools.partial(carry_out_queued, database, clock)
                wait_for_migrations(database, meanwhile=meanwhile, listeners=[log], clock=clock)
    except RunInterrupted as stopped:
        # The code with which Celery ends any worker that is asked to stop.
        logger.warning(_("The worker was asked to stop while it waited for migrations."))
        raise SystemExit(ExitCode.DONE) from stopped
    except (AutoMigrateError, BadSetting) as error:
        logger.critical(_("The worker does not start: {error}").format(error=error))
        raise SystemExit(getattr(error, "exit_code", ExitCode.USAGE)) from error
    except Exception as error:
        logger.exception(_("The worker does not start, which is a defect."))
        raise SystemExit(ExitCode.MIGRATION_FAILED) from error
    finally:
        # The processes of the pool must not inherit a connection.
        connections.close_all()


def carry_out_queued(database: str, clock: Clock) -> None:
    """Carry out a run that was asked for over HTTP and is queued for a worker, such as this one that waits for it."""
    from auto_migrate.history.store import History
    from auto_migrate.pipeline import migrate
    from auto_migrate.planning.targets import Goal
    from auto_migrate.request import RunRequest

    # A database that cannot be asked is waited for, and how a run ended is in the history.
    with contextlib.suppress(AutoMigrateError, Error):
        if run := History(database).queued():
            migrate(database, RunRequest(goal=Goal.asked(None, None, run.phase), queued=run.id), clock=clock)


def log(event: Event, context: Context) -> None:
    """Write to the worker's log what it waits for."""
    from auto_migrate.reporting.wait_words import describe_wait

    event = printable_fields(event)
    match event:
        case MigrationsAwaited():
            logger.warning("%s: %s", context.database, describe_wait(event, context.at))
        case DatabaseAwaited():
            text = _("⏳ Waiting for the database ({waited:.0f}s): {reason}").format(**event.as_dict())
            logger.warning("%s: %s", context.database, text)
        case NothingPending():
            logger.info("%s: %s", context.database, _("✅ No migrations are pending."))
