"""What was left for after the deploy, applied once the deploy is over.

A deploy is over when `POST_DEPLOY_DELAY` seconds have passed since its release step succeeded and nobody of another
release is connected. Neither alone would do: an old process may be idle without a connection, and a slow roll-out may
take longer than anybody thought.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Collection

from django.db import DEFAULT_DB_ALIAS
from django.utils import timezone
from django.utils.translation import gettext as _

from auto_migrate.conf import get_settings
from auto_migrate.databases import adapter_for
from auto_migrate.exit_codes import ExitCode
from auto_migrate.fleet.inventory import take_inventory
from auto_migrate.history.models import RunRecord
from auto_migrate.history.store import RELEASE_LENGTH, History
from auto_migrate.inspection import inspect
from auto_migrate.phases.phase import ALL, Phase
from auto_migrate.pipeline import Result, migrate
from auto_migrate.planning.old_code import waits_for_run
from auto_migrate.planning.targets import Goal
from auto_migrate.prompt_questions import prompt_questions
from auto_migrate.request import RunRequest
from auto_migrate.tenancy import tenancy_of
from auto_migrate.values import RunStatus

# How a run ends that may be tried again by itself; any other end is for a person to look at.
PASSING = frozenset({ExitCode.UNREACHABLE, ExitCode.LOCK_TIMEOUT, ExitCode.INTERRUPTED})


class Waiting(Exception):
    """It is too early; the text says what is waited for."""


def apply_postponed(database: str = DEFAULT_DB_ALIAS, *, requested_by: str = "") -> Result | None:
    """Apply what was left for after the deploy, and take bridges down; None if there is neither.

    Raise `Waiting` while the deploy may not be over, `AutoMigrateError` if the run does not end well.
    """
    with prompt_questions(database):
        if not is_anything_left(database):
            return None
        check_deploy_over(database, timezone.now())
        check_untried(database)
        if holder := adapter_for(database).lock_holder():
            raise Waiting(_("{holder} holds the deploy lock.").format(holder=holder.description))
    goal = Goal.asked(None, None, Phase.POST_DEPLOY)
    return migrate(database, RunRequest(goal=goal, lock_wait=0, requested_by=requested_by))


def is_anything_left(database: str) -> bool:
    """Return whether a run after the deploy would find something to do."""
    settings = get_settings()
    tenancy = tenancy_of(database)
    tenants: Callable[[], Collection[str]] = frozenset if tenancy is None else lambda: take_inventory(tenancy).names
    if waits_for_run(database, Goal(phase=Phase.POST_DEPLOY), tenants):
        return True
    return settings.PHASES and bool(inspect(database, phase=Phase.POST_DEPLOY).pending)


def check_deploy_over(database: str, now: datetime.datetime) -> None:
    """Raise `Waiting` while processes of an older release may be at work."""
    settings, adapter = get_settings(), adapter_for(database)
    if not settings.release:
        raise Waiting(_("This process does not know its release. Set AUTO_MIGRATE['RELEASE']."))
    last = release_step(database)
    if last is None or last.finished_at is None or last.release != settings.release[:RELEASE_LENGTH]:
        raise Waiting(
            _("The last release step was that of {release}, and this process is of {own}.").format(
                release=last.release if last else "-", own=settings.release
            )
        )
    if (left := settings.POST_DEPLOY_DELAY - (now - last.finished_at).total_seconds()) > 0:
        raise Waiting(_("Another {left:.0f}s of POST_DEPLOY_DELAY have to pass.").format(left=left))
    if others := adapter.other_releases():
        raise Waiting(_("Clients of another release are connected: {clients}.").format(clients=", ".join(others)))


def release_step(database: str) -> RunRecord | None:
    """Return the last release step that ended well, if the history has one."""
    return History(database).newest(Phase.PRE_DEPLOY if get_settings().PHASES else ALL, RunStatus.SUCCEEDED)


def check_untried(database: str) -> None:
    """Raise `Waiting` if it was tried since the release step, and did not end in a way that passes by itself."""
    history = History(database)
    deployed = release_step(database)
    tried = history.newest(Phase.POST_DEPLOY, RunStatus.FAILED)
    if tried is None or deployed is None or tried.requested_at < deployed.requested_at:
        return
    if tried.exit_code not in PASSING:
        raise Waiting(
            _("Run {run_id} failed: {error}\nLook at it, then: manage.py auto_migrate --phase post_deploy").format(
                run_id=tried.id, error=tried.error
            )
        )
