"""Refusing to start with settings that would only fail once an SMS is due, in whichever process comes first.

`pre_start.sh` asks for it by `CHECK_SETTINGS`, within the process that migrates: one of its own would cost a
start. Web, worker and beat ask for themselves; neither gunicorn nor Celery heeds Django's system checks.
"""

from __future__ import annotations

import sys
from typing import Any

from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured

from auto_migrate.exit_codes import ExitCode

TAG = "settings"
"""Of the system checks that look at the environment alone: no database, no addresses."""


def require_usable_settings() -> None:
    """Raise `ImproperlyConfigured`, telling each setting that cannot be used and what is right, if there is one."""
    if refused := [error for error in run_checks(tags=[TAG]) if error.is_serious()]:
        raise ImproperlyConfigured("\n".join(f"{error.msg} {error.hint}" for error in refused))


def end_unless_settings_are_usable(**_: Any) -> None:
    """End the process, having told each setting that cannot be used, if there is one. A receiver of Celery's signals.

    Celery goes on after whatever else a receiver raises.
    """
    try:
        require_usable_settings()
    except ImproperlyConfigured as error:
        sys.stderr.write("".join(f"✖ {line}\n" for line in str(error).splitlines()))
        raise SystemExit(ExitCode.USAGE) from None
