"""Who may use the protected endpoints: the bearer of a token, or a member of staff who is logged in.

A browser sends its session along whether or not its user meant it, so a session needs the CSRF token for whatever
changes something. A bearer token is only ever sent on purpose.
"""

from __future__ import annotations

import functools
import hmac
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware

from auto_migrate.conf import get_settings
from auto_migrate.web.responses import forbidden

View = Callable[..., HttpResponseBase]

UNSET = "No token is configured here: set AUTO_MIGRATE_TOKEN, or log in as a member of staff."
# Superusers have it, as they have every permission.
END_BLOCKERS = "auto_migrate.end_blockers"


def is_authorized(request: HttpRequest) -> bool:
    """Return whether the request carries a token of `AUTO_MIGRATE["TOKEN"]` or comes from a member of staff."""
    return has_token(request) or is_staff(request)


def has_token(request: HttpRequest) -> bool:
    """Return whether the request carries one of the tokens, in a time that tells nothing about them."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return False
    # Headers may carry any byte, and compare_digest takes text only if it is ASCII.
    candidate = given.strip().encode("utf-8", "surrogatepass")
    # All of them are compared, so that the time does not tell which one was nearly right.
    matches = [hmac.compare_digest(candidate, token.encode()) for token in get_settings().TOKEN]
    return any(matches)


def is_staff(request: HttpRequest) -> bool:
    """Return whether an active member of staff is logged in; nobody is where the auth app is not installed."""
    user = getattr(request, "user", None)
    return bool(getattr(user, "is_active", False) and getattr(user, "is_staff", False))


def who(request: HttpRequest) -> str:
    """Name the caller for the record: the user's name, or that it was a token."""
    if has_token(request):
        return "token"
    return str(request.user.get_username())


def may_end_blockers(request: HttpRequest) -> bool:
    """Return whether the caller may end other people's sessions: a token, or staff with a permission of its own."""
    return has_token(request) or (is_staff(request) and request.user.has_perm(END_BLOCKERS))


def protected(view: View) -> View:
    """Answer 403 to everybody who is not authorised, before the view sees anything of the request."""

    @functools.wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if has_token(request):
            return view(request, *args, **kwargs)
        if not is_staff(request):
            return forbidden("" if get_settings().TOKEN else UNSET)
        if _csrf_failure(request):
            return forbidden("A session needs the CSRF token: send it as X-CSRFToken, or use a bearer token.")
        return view(request, *args, **kwargs)

    return guarded


class _Csrf(CsrfViewMiddleware):
    """Django's own check, which gives its reason instead of a page. Safe methods pass it."""

    def _reject(self, request: HttpRequest, reason: str) -> HttpResponse:
        return HttpResponse(reason, status=403)


def _csrf_failure(request: HttpRequest) -> bool:
    check = _Csrf(lambda _: HttpResponse())
    check.process_request(request)
    # The view itself is exempt, as bearers need it to be; None is not.
    return check.process_view(request, None, (), {}) is not None  # type: ignore[arg-type]
