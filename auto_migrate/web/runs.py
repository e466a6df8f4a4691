"""The history of one database, and how far a run is."""

from __future__ import annotations

import dataclasses
import uuid
from typing import Any

from django.core.paginator import Paginator
from django.db import DEFAULT_DB_ALIAS, connections
from django.http import HttpRequest, JsonResponse

from auto_migrate.applying.online.step import Kind
from auto_migrate.databases import adapter_for
from auto_migrate.history.store import History
from auto_migrate.values import RunStatus
from auto_migrate.web.auth import protected
from auto_migrate.web.endpoint import BadRequest, endpoint
from auto_migrate.web.responses import answer, problem
from auto_migrate.web.serializers import run_in_full, run_summary

PAGE_SIZE = 20
MAX_PAGE_SIZE = 100


@endpoint("GET", "HEAD")
@protected
def index(request: HttpRequest) -> JsonResponse:
    """List the runs of `?database=`, newest first; `?status=`, `?page=` and `?page_size=` narrow it down."""
    database = asked_database(request)
    runs = History(database).runs()
    if status := _asked_status(request):
        runs = runs.filter(status=status)
    number = _whole_number(request, "page", default=1)
    paginator = Paginator(runs, _whole_number(request, "page_size", default=PAGE_SIZE, maximum=MAX_PAGE_SIZE))
    if number > paginator.num_pages:
        return problem("not_found", f"There is no page {number}; the last one is {paginator.num_pages}.", status=404)
    page = paginator.page(number)
    return answer(
        {
            "count": paginator.count,
            "page": number,
            "pages": paginator.num_pages,
            "next": _neighbour(request, page.number + 1) if page.has_next() else None,
            "previous": _neighbour(request, page.number - 1) if page.has_previous() else None,
            "results": [run_summary(run, database) for run in page],
        }
    )


@endpoint("GET", "HEAD")
@protected
def detail(request: HttpRequest, run_id: str) -> JsonResponse:
    """Return everything about one run of `?database=`."""
    database = asked_database(request)
    try:
        run = History(database).get(uuid.UUID(run_id))
    except ValueError:
        run = None
    if run is None:
        return problem("not_found", f"Database {database!r} has no run {run_id}. See the list of runs.", status=404)
    content = run_in_full(run, database)
    if (step := content["progress"].get("online")) and step["name"] == Kind.BUILD:
        step["builds"] = builds_of(database)
    return answer(content)


def builds_of(database: str) -> list[dict[str, Any]]:
    """Return how far the builds of indexes are that go on in a database."""
    indexes = adapter_for(database).indexes
    return [] if indexes is None else [dataclasses.asdict(build) for build in indexes.builds()]


def asked_database(request: HttpRequest) -> str:
    """Return the alias asked for by `?database=`, the default one if there is none."""
    return known_database(request.GET.get("database") or DEFAULT_DB_ALIAS)


def known_database(alias: str) -> str:
    """Return an alias of DATABASES; refuse any other."""
    if alias not in connections:
        raise BadRequest(f"There is no database {alias!r}. Choose one of: {', '.join(sorted(connections))}.")
    return alias


def _asked_status(request: HttpRequest) -> str:
    status = request.GET.get("status", "")
    if status and status not in list(RunStatus):
        raise BadRequest(f"There is no status {status!r}. Choose one of: {', '.join(RunStatus)}.")
    return status


def _whole_number(request: HttpRequest, name: str, *, default: int, maximum: int = 1_000_000) -> int:
    given = request.GET.get(name, str(default))
    # isdecimal() alone would take digits of every script, and int() numbers of any length.
    if given.isascii() and given.isdecimal() and len(given) <= 7 and 1 <= int(given) <= maximum:
        return int(given)
    raise BadRequest(f"{name}={given!r} makes no sense. Send a whole number from 1 to {maximum}.")


def _neighbour(request: HttpRequest, number: int) -> str:
    query = request.GET.copy()
    query["page"] = str(number)
    return f"{request.path}?{query.urlencode()}"
