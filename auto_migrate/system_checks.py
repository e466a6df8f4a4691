"""Django's system checks, before anything is migrated: `migrate` refuses a project that has errors, and so does a run.

They come after the wait, since some of them ask the database. Code that is known to have passed does without: the run
that found it had them. One that was told to skip them leaves another fingerprint, which proves as much of the schema
and nothing of the checks.
"""

from __future__ import annotations

from django.core.checks import CheckMessage, run_checks
from django.db import Error
from django.utils.translation import gettext as _

from auto_migrate.code_lock import APP_CODE
from auto_migrate.databases import adapter_for
from auto_migrate.exceptions import AutoMigrateError, TransientError, UsageError


def refuse_errors(database: str) -> None:
    """Raise `UsageError` with the text of each error that the project's system checks find."""
    if errors := [message for message in _messages(database) if message.is_serious() and not message.is_silenced()]:
        raise UsageError(
            _("System checks found errors, so nothing was migrated:\n{errors}").format(
                errors="\n".join(str(message) for message in errors)
            ),
            hint=_("See all: manage.py check. Without the checks: manage.py auto_migrate --skip-checks"),
        )


def _messages(database: str) -> list[CheckMessage]:
    try:
        with APP_CODE:
            return run_checks(databases=[database])
    except (AutoMigrateError, TransientError):
        raise
    except Exception as error:
        # One that asks for what is not migrated yet is to blame for it, and the database is well.
        if isinstance(error, Error) and adapter_for(database).fault_of(error) is not None:
            raise
        raise UsageError(
            _("A system check raised {kind}: {error}. Nothing was migrated.").format(
                kind=type(error).__name__, error=error
            ),
            hint=_("See where: manage.py check. Without the checks: manage.py auto_migrate --skip-checks"),
        ) from error
