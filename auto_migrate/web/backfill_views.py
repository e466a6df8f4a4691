"""The backfills of one database, and what an operator may do with each."""

from __future__ import annotations

import re

from django.http import HttpRequest, HttpResponse, JsonResponse

from auto_migrate.backfills.progress import record_of, states_of
from auto_migrate.backfills.records import Backfills
from auto_migrate.exceptions import UsageError
from auto_migrate.web.auth import protected
from auto_migrate.web.endpoint import asks_databases, endpoint
from auto_migrate.web.pages.frame import for_browsers, own_address, wants_page
from auto_migrate.web.responses import answer, problem
from auto_migrate.web.runs import asked_database


@for_browsers
@endpoint("GET", "HEAD")
@asks_databases
@protected
def index(request: HttpRequest) -> HttpResponse:
    """List the backfills of `?database=`, or of `?tenant=` there, the oldest first."""
    database = asked_database(request)
    records = list(Backfills(database).all(request.GET.getlist("tenant")))
    if wants_page(request):
        from auto_migrate.web.pages.backfill_list import backfill_list_page

        return backfill_list_page(request, database, records)
    return answer({"count": len(records), "results": [record_of(record, database) for record in records]})


@for_browsers
@endpoint("POST")
@asks_databases
@protected
def pause(request: HttpRequest, name: str) -> JsonResponse:
    """Let a backfill stand still."""
    return _act(request, name, "pause")


@for_browsers
@endpoint("POST")
@asks_databases
@protected
def resume(request: HttpRequest, name: str) -> JsonResponse:
    """Let a backfill go on that was paused or cancelled, or has failed."""
    return _act(request, name, "resume")


@for_browsers
@endpoint("POST")
@asks_databases
@protected
def cancel(request: HttpRequest, name: str) -> JsonResponse:
    """Let a backfill be; what it wrote stays."""
    return _act(request, name, "cancel")


def _act(request: HttpRequest, name: str, action: str) -> JsonResponse:
    """Do it to a backfill, `name` or `app_label.name`; answer 409 where its state does not allow it.

    With tenants it is that of each schema, or of `?tenant=` alone, and those that allow it are changed.
    """
    database = asked_database(request)
    store = Backfills(database)
    try:
        # What no name has could not even be asked for on every database.
        known = re.fullmatch(r"[\w.-]+", name)
        records = store.find(name, request.GET.getlist("tenant")) if known else []
    except UsageError as error:
        return problem("not_found", f"{error.message} {error.hint}", status=404)
    if not records:
        return problem("not_found", "There is no such backfill. See the list: backfills/", status=404)
    changed = store.act(records, action)
    told = [record_of(record, database) for record in records]
    whole = told[0] if len(told) == 1 else {"count": len(told), "results": told}
    if not changed:
        message = f"Backfill {records[0].key} is {states_of(records)}, and was not changed."
        return problem("conflict", message, status=409, backfill=whole)
    response = answer(whole)
    # Where a browser goes next.
    response["Location"] = own_address(request, "backfills", database=database)
    return response
