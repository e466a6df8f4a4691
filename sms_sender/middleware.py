"""Requests that make no sense are the asker's mistake: they are answered as such, not as a failure of ours."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator

import structlog
from django.contrib.admin.views.main import ERROR_FLAG
from django.db import DataError, ProgrammingError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, UnreadablePostError

from webhooks.views import problem, receive

logger = structlog.get_logger(__name__)

NONSENSE = (ValueError, LookupError, OverflowError, DataError, ProgrammingError)
"""What Django's lookups and PostgreSQL raise at a year 0, half a range, a number too large, no regular expression."""


class NonsenseMiddleware:
    """Refuses the character NUL, which no database takes, and has the admin's lists bear any filter."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer 400 if the address has a NUL."""
        return _refuse([request.path_info]) or self.get_response(request)

    def process_view(self, request: HttpRequest, view: object, *_: object) -> HttpResponse | None:
        """Answer 400 if a parameter, a cookie or a form of the admin has one. A delivery is taken all the same."""
        if view is receive:
            return None
        if refusal := _refuse(_given(request)):
            return refusal
        if _is_of_admin(request):
            with contextlib.suppress(UnreadablePostError):  # CsrfViewMiddleware knows what to do
                return _refuse(_values(request.POST.lists()))
        return None

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Do as the admin does at filters that it understands to be wrong: show the list without any."""
        asked = request.GET or request.POST
        if not (_is_list_of_admin(request) and isinstance(error, NONSENSE) and asked) or ERROR_FLAG in request.GET:
            return None
        logger.warning("A list was asked for what makes no sense", path=request.path, exc_info=error)
        return HttpResponseRedirect(f"{request.path}?{ERROR_FLAG}=1")


def _is_of_admin(request: HttpRequest) -> bool:
    return request.resolver_match is not None and "admin" in request.resolver_match.app_names


def _is_list_of_admin(request: HttpRequest) -> bool:
    match = request.resolver_match
    return match is not None and "admin" in match.app_names and str(match.url_name).endswith("_changelist")


def _given(request: HttpRequest) -> Iterator[str]:
    yield from _values(request.GET.lists())
    yield from request.COOKIES.values()


def _values(pairs: Iterable[tuple[str, Iterable[object]]]) -> Iterator[str]:
    for name, values in pairs:
        yield name
        yield from map(str, values)


def _refuse(values: Iterable[str]) -> HttpResponse | None:
    if any("\0" in value for value in values):
        return problem(400, "bad_request", "The character NUL is no part of anything here.")
    return None
