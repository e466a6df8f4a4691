"""The history of one database, and how far a run is."""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from typing import Any

from django.conf import settings
from django.core.paginator import Paginator
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.dateparse import parse_date

from auto_migrate.databases import adapter_for
from auto_migrate.history.models import RunRecord
from auto_migrate.history.store import History
from auto_migrate.phases.phase import ALL, Phase
from auto_migrate.values import RunStatus
from auto_migrate.web.auth import protected
from auto_migrate.web.endpoint import BadRequest, asks_databases, endpoint
from auto_migrate.web.pages.frame import for_browsers, wants_page
from auto_migrate.web.responses import answer, problem
from auto_migrate.web.serializers import run_in_full, run_summary

PAGE_SIZE = 20
MAX_PAGE_SIZE = 100


@for_browsers
@endpoint("GET", "HEAD")
@asks_databases
@protected
def index(request: HttpRequest) -> HttpResponse:
    """List the runs of `?database=`, newest first.

    `?status=`, `?phase=`, `?release=`, `?since=`, `?until=`, `?page=` and `?page_size=` narrow it down.
    """
    database = asked_database(request)
    runs = _narrowed(request, History(database).runs())
    number = _whole_number(request, "page", default=1)
    paginator = Paginator(runs, _whole_number(request, "page_size", default=PAGE_SIZE, maximum=MAX_PAGE_SIZE))
    if number > paginator.num_pages:
        return problem("not_found", f"There is no page {number}; the last one is {paginator.num_pages}.", status=404)
    page = paginator.page(number)
    content = {
        "count": paginator.count,
        "page": number,
        "pages": paginator.num_pages,
        "next": _neighbour(request, page.number + 1) if page.has_next() else None,
        "previous": _neighbour(request, page.number - 1) if page.has_previous() else None,
        "results": [run_summary(run, database) for run in page],
    }
    if wants_page(request):
        from auto_migrate.web.pages.run_list import run_list_page

        return run_list_page(request, database, content)
    return answer(content)


@for_browsers
@endpoint("GET", "HEAD")
@asks_databases
@protected
def detail(request: HttpRequest, run_id: str) -> HttpResponse:
    """Return everything about one run of `?database=`."""
    database = asked_database(request)
    if wants_page(request):
        from auto_migrate.web.pages.run_page import run_page
        from auto_migrate.web.run_snapshot import shared_snapshot

        number = _number_of(run_id)
        seen = shared_snapshot(database, number) if number else None
        return run_page(request, seen) if seen else not_found(database, run_id)
    if (run := found_run(database, run_id)) is None:
        return not_found(database, run_id)
    content = run_in_full(run, database)
    if step := content["progress"].get("online"):
        # Seldom, and with it comes much that every reader of the URLconf would pay for.
        from auto_migrate.applying.online.step import Kind

        if step["name"] == Kind.BUILD:
            step["builds"] = builds_of(database)
    return answer(content)


def builds_of(database: str) -> list[dict[str, Any]]:
    """Return how far the builds of indexes are that go on in a database."""
    indexes = adapter_for(database).indexes
    return [] if indexes is None else [dataclasses.asdict(build) for build in indexes.builds()]


def found_run(database: str, run_id: str) -> RunRecord | None:
    """Return a run with its steps, None if the database has none of this number."""
    number = _number_of(run_id)
    return History(database).get(number) if number else None


def _number_of(run_id: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(run_id)
    except ValueError:
        return None


def not_found(database: str, run_id: str) -> JsonResponse:
    """Say that there is no such run."""
    return problem("not_found", f"Database {database!r} has no run {run_id}. See the list of runs.", status=404)


def asked_database(request: HttpRequest) -> str:
    """Return the alias asked for by `?database=`, the default one if there is none."""
    return known_database(request.GET.get("database") or DEFAULT_DB_ALIAS)


def known_database(alias: str) -> str:
    """Return an alias of DATABASES; refuse any other."""
    if alias not in connections:
        raise BadRequest(f"There is no database {alias!r}. Choose one of: {', '.join(sorted(connections))}.")
    return alias


def _narrowed(request: HttpRequest, runs: QuerySet[RunRecord]) -> QuerySet[RunRecord]:
    if status := _choice(request, "status", [*RunStatus]):
        runs = runs.filter(status=status)
    if phase := _choice(request, "phase", [ALL, *Phase]):
        runs = runs.filter(phase=phase)
    if release := request.GET.get("release", ""):
        if "\0" in release:
            raise BadRequest(f"release={release!r} makes no sense.")
        runs = runs.filter(release__startswith=release)
    if since := _day(request, "since"):
        runs = runs.filter(requested_at__gte=since)
    if until := _day(request, "until"):
        runs = runs.filter(requested_at__lt=until + datetime.timedelta(days=1))
    return runs


def _choice(request: HttpRequest, name: str, choices: list[str]) -> str:
    given = request.GET.get(name, "")
    if given and given not in choices:
        raise BadRequest(f"There is no {name} {given!r}. Choose one of: {', '.join(choices)}.")
    return given


def _day(request: HttpRequest, name: str) -> datetime.datetime | None:
    """Return the first moment of a day, as the project's clocks have it."""
    if not (given := request.GET.get(name, "")):
        return None
    try:
        day = parse_date(given)
    except ValueError:
        day = None
    if day is None or not 1900 <= day.year <= 9000:
        raise BadRequest(f"{name}={given!r} is no day. Send one such as 2026-03-01.")
    midnight = datetime.datetime.combine(day, datetime.time.min)
    return timezone.make_aware(midnight) if settings.USE_TZ else midnight


def _whole_number(request: HttpRequest, name: str, *, default: int, maximum: int = 1_000_000) -> int:
    given = request.GET.get(name, str(default))
    # isdecimal() alone would take digits of every script, and int() numbers of any length.
    if given.isascii() and given.isdecimal() and len(given) <= 7 and 1 <= int(given) <= maximum:
        return int(given)
    raise BadRequest(f"{name}={given!r} makes no sense. Send a whole number from 1 to {maximum}.")


def _neighbour(request: HttpRequest, number: int) -> str:
    query = request.GET.copy()
    query["page"] = str(number)
    # Of a page that refreshes itself.
    query.pop("part", None)
    return f"{request.path}?{query.urlencode()}"
