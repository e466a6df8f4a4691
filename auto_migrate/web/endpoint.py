"""What all endpoints have in common: allowed methods, errors as JSON, and none of what a project wraps around pages."""

from __future__ import annotations

import contextlib
import functools
import logging
from collections.abc import Callable
from typing import Any

from django.core.exceptions import ImproperlyConfigured, SuspiciousOperation
from django.db import Error, connections
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParserError
from django.http.request import RawPostDataException, UnreadablePostError
from django.http.response import HttpResponseBase

from auto_migrate.conf import BadSetting
from auto_migrate.databases.sockets import VENDORS
from auto_migrate.exceptions import AutoMigrateError, DatabaseBusy, DatabaseRefused, DatabaseUnreachable, TransientError
from auto_migrate.prompt_questions import prompt_questions
from auto_migrate.web.responses import problem

logger = logging.getLogger("auto_migrate.web")

View = Callable[..., HttpResponseBase]


class BadRequest(Exception):
    """The caller asked for something that makes no sense; the text says what, and what would."""


UNREADABLE = (MultiPartParserError, RawPostDataException, SuspiciousOperation, UnreadablePostError)
UNUSABLE_DATABASE = (DatabaseRefused, DatabaseUnreachable, TransientError, Error)
EXPECTED = (BadRequest, BadSetting, AutoMigrateError, *UNREADABLE, *UNUSABLE_DATABASE)


def endpoint(*methods: str) -> Callable[[View], View]:
    """Make a view that answers to `methods` alone and tells expected trouble as JSON."""

    def decorate(view: View) -> View:
        @functools.wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.method not in methods:
                return _method_not_allowed(request, methods)
            try:
                return view(request, *args, **kwargs)
            except EXPECTED as error:
                return _error_response(error)

        _take_wrappings_off(guarded)
        return guarded

    return decorate


def asks_databases(view: View) -> View:
    """Make a view that waits for no database for longer than seconds: one that is silent, or what others have locked.

    Who asks is looked up there as well, so this goes around `auth.protected`.
    """

    @functools.wraps(view)
    def bounded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with contextlib.ExitStack() as limits:
            for alias in connections:
                if _can_be_limited(alias):
                    limits.enter_context(prompt_questions(alias))
            return view(request, *args, **kwargs)

    return bounded


def _can_be_limited(alias: str) -> bool:
    try:
        return connections[alias].vendor in VENDORS
    except (ImproperlyConfigured, ImportError):
        # Its ENGINE is none that can be had: a view that asks for it says so.
        return False


def _method_not_allowed(request: HttpRequest, methods: tuple[str, ...]) -> HttpResponseBase:
    allowed = ", ".join(methods)
    message = f"{request.method} is not allowed here. Use {allowed}."
    response = problem("method_not_allowed", message, status=405)
    response["Allow"] = allowed
    return response


def _error_response(error: Exception) -> HttpResponseBase:
    if isinstance(error, BadRequest):
        return problem("bad_request", str(error), status=400)
    if isinstance(error, UNREADABLE):
        return problem("bad_request", "The body cannot be read. Send a small JSON object.", status=400)
    if isinstance(error, DatabaseBusy) or (isinstance(error, TransientError) and error.contention):
        logger.warning("The database could not be asked: %s", error)
        return problem("database_busy", "Somebody else has locked what was to be read. The log says who.", status=503)
    if isinstance(error, UNUSABLE_DATABASE):
        # The caller may be anybody: who the database is and where stays in the log.
        logger.warning("The database could not be used: %s", error)
        message = "The database cannot be used at the moment. The service's log says why."
        return problem("database_unreachable", message, status=503)
    logger.error("AUTO_MIGRATE does not fit this project: %s", error)
    return problem("misconfigured", "AUTO_MIGRATE does not fit. Run: python manage.py check", status=500)


def _take_wrappings_off(view: Any) -> None:
    """Keep off what a project wraps around its pages."""
    # Bearers send no CSRF token; `auth.protected` asks sessions for theirs.
    view.csrf_exempt = True
    # LoginRequiredMiddleware would send probes to a log-in page.
    view.login_required = False
    # ATOMIC_REQUESTS would open a transaction, and fail, before a probe could say that the database is away; and a run
    # that is handed over must be there for others to see.
    view._non_atomic_requests = set(connections)
