"""What all endpoints have in common: allowed methods, errors as JSON, and none of what a project wraps around pages."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec

from django.core.exceptions import SuspiciousOperation
from django.db import Error, connections
from django.http import HttpRequest
from django.http.request import RawPostDataException, UnreadablePostError
from django.http.response import HttpResponseBase

from auto_migrate.conf import BadSetting
from auto_migrate.exceptions import AutoMigrateError, DatabaseRefused, DatabaseUnreachable, PassingFault
from auto_migrate.web.responses import problem

logger = logging.getLogger("auto_migrate.web")

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]

UNREADABLE = (RawPostDataException, SuspiciousOperation, UnreadablePostError)


class BadRequest(Exception):
    """The caller asked for something that makes no sense; the text says what, and what would."""


def endpoint(*methods: str) -> Callable[[View[P]], View[P]]:
    """Make a view that answers to `methods` alone and tells expected trouble as JSON."""

    def decorate(view: View[P]) -> View[P]:
        @functools.wraps(view)
        def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if request.method not in methods:
                return _method_not_allowed(request, methods)
            try:
                return view(request, *args, **kwargs)
            except BadRequest as error:
                return problem("bad_request", str(error), status=400)
            except UNREADABLE:
                return problem("bad_request", "The body cannot be read. Send a small JSON object.", status=400)
            except BadSetting:
                logger.exception("AUTO_MIGRATE is not usable")
                return problem("misconfigured", "AUTO_MIGRATE is not usable. Run: python manage.py check", status=500)
            except (DatabaseRefused, DatabaseUnreachable, PassingFault, Error) as error:
                return _database_trouble(error)
            except AutoMigrateError as error:
                return problem(type(error).__name__, str(error), status=409)

        return _unwrapped(guarded)

    return decorate


def _method_not_allowed(request: HttpRequest, methods: tuple[str, ...]) -> HttpResponseBase:
    allowed = ", ".join(methods)
    message = f"{request.method} is not allowed here. Use {allowed}."
    response = problem("method_not_allowed", message, status=405)
    response["Allow"] = allowed
    return response


def _database_trouble(error: Exception) -> HttpResponseBase:
    """Tell that the database is in the way; who it is and where stays in the log, as the caller may be anybody."""
    logger.warning("The database could not be used: %s", error)
    message = "The database cannot be used at the moment. The service's log says why."
    return problem("database_unreachable", message, status=503)


def _unwrapped(view: Any) -> Any:
    """Keep off what a project wraps around its pages."""
    # Bearers send no CSRF token; `auth.protected` asks sessions for theirs.
    view.csrf_exempt = True
    # LoginRequiredMiddleware would send probes to a log-in page.
    view.login_required = False
    # ATOMIC_REQUESTS would open a transaction, and fail, before a probe could say that the database is away; and a run
    # that is handed over must be there for others to see.
    view._non_atomic_requests = set(connections)
    return view
