"""The backfills of one database, and what an operator may do with each."""

from __future__ import annotations

import re

from django.http import HttpRequest, JsonResponse

from auto_migrate.backfills.progress import record_of
from auto_migrate.backfills.records import Backfills
from auto_migrate.exceptions import UsageError
from auto_migrate.web.auth import protected
from auto_migrate.web.endpoint import endpoint
from auto_migrate.web.responses import answer, problem
from auto_migrate.web.runs import asked_database


@endpoint("GET", "HEAD")
@protected
def index(request: HttpRequest) -> JsonResponse:
    """List the backfills of `?database=`, the oldest first."""
    database = asked_database(request)
    records = [record_of(record, database) for record in Backfills(database).all()]
    return answer({"count": len(records), "results": records})


@endpoint("POST")
@protected
def pause(request: HttpRequest, name: str) -> JsonResponse:
    """Let a backfill stand still."""
    return _act(request, name, "pause")


@endpoint("POST")
@protected
def resume(request: HttpRequest, name: str) -> JsonResponse:
    """Let a backfill go on that was paused or cancelled, or has failed."""
    return _act(request, name, "resume")


@endpoint("POST")
@protected
def cancel(request: HttpRequest, name: str) -> JsonResponse:
    """Let a backfill be; what it wrote stays."""
    return _act(request, name, "cancel")


def _act(request: HttpRequest, name: str, action: str) -> JsonResponse:
    """Do it to a backfill, `name` or `app_label.name`; answer 409 where its state does not allow it."""
    database = asked_database(request)
    store = Backfills(database)
    try:
        # What no name has could not even be asked for on every database.
        record = store.find(name) if re.fullmatch(r"[\w.-]+", name) else None
    except UsageError as error:
        return problem("not_found", f"{error.message} {error.hint}", status=404)
    if record is None:
        return problem("not_found", "There is no such backfill. See the list: backfills/", status=404)
    if not store.act(record, action):
        message = f"Backfill {record.key} is {record.state}, and was not changed."
        return problem("conflict", message, status=409, backfill=record_of(record, database))
    return answer(record_of(record, database))
