"""Who carries out a run that was asked for over HTTP: a Celery worker, or a process of its own.

A request cannot: platforms cut it off after seconds, and a server that restarts its workers would take the run with it.
"""

from __future__ import annotations

import functools
import importlib.util
import logging
import os
import subprocess
import sys
import tempfile
import threading
import uuid
from collections.abc import Sequence
from typing import IO, Any

from django.db import Error, connections

from auto_migrate.conf import get_settings
from auto_migrate.exceptions import AutoMigrateError
from auto_migrate.history.models import RunRecord
from auto_migrate.history.store import History
from auto_migrate.prompt_questions import prompt_questions
from auto_migrate.web import single_flight

logger = logging.getLogger("auto_migrate.web")

TASK = "auto_migrate.tasks.run_migrations"
# How long a caller waits for a broker to take the message.
PATIENCE = 5.0
# Kombu's own connections try for ever, whatever `retry=False` says about the message.
IMPATIENT = {"max_retries": 0, "socket_connect_timeout": 2, "socket_timeout": 2}


class HandOverFailed(Exception):
    """Nobody took the run; the text says who should have."""


def hand_over(database: str, run: RunRecord, wanted: Sequence[str], acknowledge: Sequence[str] = ()) -> None:
    """Let a queued run be carried out outside of this request; raise `HandOverFailed` if nobody takes it.

    `wanted` names the migrations that are to be applied: a worker may be of another release, a process is not.
    `acknowledge` lets findings pass, as the option of the command does.
    """
    runner = get_settings().RUNNER
    if runner == "celery" or (runner == "auto" and has_celery()):
        to_celery(database, run.id, wanted, acknowledge)
    else:
        to_process(database, run.id, run.phase, acknowledge)


def has_celery() -> bool:
    """Return whether the project has configured Celery with a broker that other processes see."""
    if importlib.util.find_spec("celery") is None:
        return False
    from celery import current_app

    broker = current_app.conf.broker_write_url
    return bool(broker) and not str(broker).startswith("memory:")


def to_celery(database: str, run_id: uuid.UUID, wanted: Sequence[str], acknowledge: Sequence[str] = ()) -> None:
    """Put the run into the project's queue, and give up on a broker that does not answer."""
    try:
        from celery import current_app
    except ImportError as error:
        raise HandOverFailed("Celery is not installed. Run: pip install 'django-auto-migrate[celery]'") from error
    # Resolved here, since another thread may have another current app.
    app = current_app._get_current_object()
    order: dict[str, Any] = {"database": database, "run_id": str(run_id), "wanted": list(wanted)}
    if acknowledge:
        # A worker of an older release does not know the word, and need not for any other run.
        order["acknowledge"] = list(acknowledge)
    begun = single_flight.begin(("hand over", run_id), functools.partial(_publish, app, order))
    try:
        begun.result(PATIENCE)
    except TimeoutError as error:
        raise HandOverFailed(f"Celery's broker did not answer within {PATIENCE:.0f} s.") from error
    except Exception as error:
        # The text may hold the broker's address, and with it a password.
        raise HandOverFailed(f"Celery's broker did not take the run ({type(error).__name__}).") from error


def _publish(app: Any, order: dict[str, Any]) -> None:
    options = {**app.conf.broker_transport_options, **IMPATIENT}
    with app.connection_for_write(connect_timeout=2, transport_options=options) as connection:
        app.send_task(TASK, kwargs=order, connection=connection, retry=False, ignore_result=True)


def to_process(database: str, run_id: uuid.UUID, phase: str, acknowledge: Sequence[str] = ()) -> None:
    """Start the command as a process that outlives this one."""
    if not os.environ.get("DJANGO_SETTINGS_MODULE"):
        raise HandOverFailed("A process of its own needs DJANGO_SETTINGS_MODULE in the environment. Set it, or RUNNER.")
    run = ["--database", database, "--run-id", str(run_id), "--phase", phase]
    run += [f"--acknowledge={name}" for name in acknowledge]
    errors = tempfile.TemporaryFile()  # noqa: SIM115 # the thread that waits for the process closes it
    try:
        process = subprocess.Popen(  # noqa: S603 # all that comes from the request was read by us
            [sys.executable, "-m", "django", "auto_migrate", *run],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(_import_path())},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            # A file and not a pipe: writing into a pipe whose reader was restarted would kill the run.
            stderr=errors,
            start_new_session=True,
        )
    except OSError as error:
        errors.close()
        raise HandOverFailed(f"The process could not be started ({type(error).__name__}).") from error
    threading.Thread(target=_wait, args=(process, errors, database, run_id), daemon=True).start()


def _import_path() -> list[str]:
    """Return the places that this process imports from, whatever its server did to find the project."""
    return list(dict.fromkeys(os.path.abspath(entry) for entry in sys.path))


def _wait(process: subprocess.Popen[bytes], errors: IO[bytes], database: str, run_id: uuid.UUID) -> None:
    """Wait for the process, so that it leaves no zombie, and end a run that it left open."""
    with errors:
        status = process.wait()
        errors.seek(0)
        words = errors.read().decode(errors="replace")[-2000:].strip()
    if status == 0:
        return
    logger.warning("Run %s: its process ended with exit code %s. %s", run_id, status, words)
    try:
        error = f"The process ended with exit code {status}. The service's log has its last words."
        with prompt_questions(database):
            History(database).abandon(run_id, error=error)
    except (AutoMigrateError, Error) as trouble:
        logger.warning("Run %s could not be closed: %s", run_id, trouble)
    finally:
        connections[database].close()
