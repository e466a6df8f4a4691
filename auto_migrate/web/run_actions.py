"""What may be done about a run that is under way: stop it, hurry it, or end who is in its way."""

from __future__ import annotations

import uuid

from django.db import DatabaseError, connections
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from auto_migrate.databases import adapter_for
from auto_migrate.history.models import RunRecord
from auto_migrate.history.run_log import BLOCKER_ENDED, RunLog, Wish
from auto_migrate.history.store import ACTIVE, History
from auto_migrate.values import RunStatus
from auto_migrate.web.auth import END_BLOCKERS, may_end_blockers, protected, who
from auto_migrate.web.endpoint import BadRequest, asks_databases, endpoint
from auto_migrate.web.force_migrate import is_lost
from auto_migrate.web.pages.frame import for_browsers, own_address
from auto_migrate.web.responses import answer, forbidden, problem
from auto_migrate.web.run_snapshot import STOCK, RunSnapshot, run_snapshot
from auto_migrate.web.runs import asked_database, found_run, not_found


@for_browsers
@endpoint("POST")
@asks_databases
@protected
def stop(request: HttpRequest, run_id: str) -> JsonResponse:
    """Ask a run to end as SIGTERM would end it, wherever it is; one that nobody carries out is ended here."""
    return _ask(request, run_id, Wish.STOP)


@for_browsers
@endpoint("POST")
@asks_databases
@protected
def retry(request: HttpRequest, run_id: str) -> JsonResponse:
    """Ask a run that pauses before its next attempt to make it now."""
    return _ask(request, run_id, Wish.RETRY)


def _ask(request: HttpRequest, run_id: str, wish: Wish) -> JsonResponse:
    database = asked_database(request)
    if (run := found_run(database, run_id)) is None:
        return not_found(database, run_id)
    if run.status not in ACTIVE:
        message = _("Run {run_id} has ended ({state}). There is nothing to do about it.")
        return problem("not_running", message.format(run_id=run.id, state=run.status), status=409, run_id=run.id)
    if run.requested_by == STOCK:
        message = _("Run {run_id} is Django's migrate, which hears no one but signals. Send one: kill {pid}")
        return problem("not_stoppable", message.format(run_id=run.id, pid=run.pid), status=409, run_id=run.id)
    by, log = who(request), RunLog(database, run.id)
    if not log.has_wish(wish) or wish is not Wish.STOP:
        log.add(wish, by=by)
    if wish is Wish.STOP and _is_nobodys(run, database):
        History(database).abandon(
            run.id, error=_("{by} asked the run to stop, and nobody carried it out.").format(by=by)
        )
    return _answered(request, database, run.id)


def _is_nobodys(run: RunRecord, database: str) -> bool:
    """Return whether there is no process that could end the run by itself."""
    if run.status == RunStatus.QUEUED:
        return True
    return is_lost(run, timezone.now()) and adapter_for(database).lock_holder() is None


def _answered(request: HttpRequest, database: str, run_id: uuid.UUID) -> JsonResponse:
    run = History(database).get(run_id)
    address = own_address(request, "run", run_id, database=database)
    content = {"run_id": run_id, "database": database, "status": run.status if run else None, "status_url": address}
    response = answer(content, status=202)
    response["Location"] = address
    return response


@for_browsers
@endpoint("POST")
@asks_databases
@protected
def end_blocker(request: HttpRequest, pid: int) -> JsonResponse:
    """End a session, if it is in the way of the run that is under way at this moment."""
    if not may_end_blockers(request):
        return forbidden(_("To end a session takes the permission {name}.").format(name=END_BLOCKERS))
    database = asked_database(request)
    run = _blocked_run(request, database)
    seen = run_snapshot(database, run) if run else None
    session = next((one for one in seen.in_the_way if one.pid == pid), None) if seen else None
    if seen is None or session is None:
        message = _("Session {pid} is not in the way of a run of database {name} now. Nothing was ended.")
        return problem("not_in_the_way", message.format(pid=pid, name=database), status=409)
    return _end(request, seen, pid)


def _blocked_run(request: HttpRequest, database: str) -> RunRecord | None:
    running = History(database).runs().filter(status=RunStatus.RUNNING).prefetch_related("steps")
    if not (wanted := request.POST.get("run_id")):
        return running.first()
    try:
        return running.filter(pk=uuid.UUID(wanted)).first()
    except ValueError as error:
        raise BadRequest(_("{run_id} is not the number of a run.").format(run_id=wanted)) from error


def _end(request: HttpRequest, seen: RunSnapshot, pid: int) -> JsonResponse:
    from auto_migrate.databases.postgresql.blocking import end

    session = next(one for one in seen.in_the_way if one.pid == pid)
    try:
        ended = end(connections[seen.database], pid)
    except DatabaseError as error:
        message = _("The database role may not end session {pid}. Let it: GRANT pg_signal_backend TO CURRENT_USER")
        return problem("not_permitted", message.format(pid=pid), status=409, detail=str(error).split("\n", 1)[0])
    detail = {"pid": pid, "user": session.user, "application": session.application, "query": session.query}
    RunLog(seen.database, seen.run.id).add(BLOCKER_ENDED, by=who(request), detail=detail)
    address = own_address(request, "run", seen.run.id, database=seen.database)
    response = answer({"pid": pid, "ended": ended, "run_id": seen.run.id, "status_url": address})
    response["Location"] = address
    return response
