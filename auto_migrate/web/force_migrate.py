"""Migrating on request: one run at a time, handed to somebody who has the time."""

from __future__ import annotations

import dataclasses
import datetime
import itertools
import json
import logging
from typing import Any

from django.db import DEFAULT_DB_ALIAS
from django.http import HttpRequest, JsonResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from auto_migrate.databases import adapter_for
from auto_migrate.exceptions import HistoryDiverged, UsageError
from auto_migrate.history.models import RunRecord
from auto_migrate.history.store import ACTIVE, HTTP_SLOT, History, SlotTaken
from auto_migrate.inspection import inspect
from auto_migrate.phases.phase import ALL, asked_phase
from auto_migrate.planning.targets import Goal
from auto_migrate.values import Holder, RunStatus, jsonable
from auto_migrate.web.auth import protected, who
from auto_migrate.web.endpoint import BadRequest, asks_databases, endpoint
from auto_migrate.web.pages.frame import for_browsers
from auto_migrate.web.responses import answer, problem
from auto_migrate.web.runners import HandOverFailed, hand_over
from auto_migrate.web.runs import known_database
from auto_migrate.web.serializers import holder_record, inspection_record, run_in_full

logger = logging.getLogger("auto_migrate.web")

# A run counts as lost if nobody began it for this long, or if it says that it runs, nobody holds the deploy lock, and
# nothing has been heard of it for this long. A live one gives the lock back in its pause before the next attempt, which
# lasts a good minute at most by default, and after the pause it has still to reach the database.
QUEUE_PATIENCE = datetime.timedelta(seconds=60)
LOCK_GRACE = datetime.timedelta(minutes=3)


@dataclasses.dataclass(frozen=True)
class Order:
    """What the body asks for."""

    database: str = DEFAULT_DB_ALIAS
    dry_run: bool = False
    phase: str | None = None
    acknowledge: tuple[str, ...] = ()


@for_browsers
@endpoint("POST")
@asks_databases
@protected
def force_migrate(request: HttpRequest) -> JsonResponse:
    """Answer 202 with the run that was begun, or 409 with the one that is under way; a dry run answers the plan."""
    order = read_order(request)
    inspection = inspect(order.database, phase=order.phase)
    if order.dry_run:
        return answer({"dry_run": True, "database": order.database, **inspection_record(inspection), **_judged(order)})
    history = History(order.database)
    holder = adapter_for(order.database).lock_holder()
    run = None if holder else _enqueue(history, f"http: {who(request)}"[:150], asked_phase(order.phase) or ALL)
    if run is None:
        return _busy(history, holder)
    try:
        reason = _("acknowledged by {who} over HTTP").format(who=who(request))
        acknowledged = [f"{name}={reason}" for name in order.acknowledge]
        hand_over(order.database, run, [str(planned.key) for planned in inspection.pending], acknowledged)
    except HandOverFailed as error:
        logger.warning("Run %s was not handed over: %s", run.id, error)
        history.abandon(run.id, error=str(error))
        return problem("runner_unavailable", str(error), status=503, run_id=run.id)
    return _accepted(request, order, run)


def _judged(order: Order) -> dict[str, Any]:
    """Return what is wrong with the plan, and whether the release step would refuse it."""
    # Whoever reads the URLconf, as every command's system checks do, would pay for all that judges and carries out.
    from auto_migrate.preview import judge
    from auto_migrate.safety.plan_fingerprint import plan_fingerprint

    try:
        seen = judge(order.database, Goal.asked(None, None, order.phase))
    except HistoryDiverged:
        return {"findings": [], "refused": False, "plan": ""}
    return {
        "findings": [jsonable(finding) for finding in seen.assessment.findings],
        "refused": bool(seen.blocking or seen.obstacle),
        "plan": plan_fingerprint(seen.comparison),
    }


def read_order(request: HttpRequest) -> Order:
    """Read the body, a JSON object or nothing; raise `BadRequest` for whatever else it is."""
    given = _body(request)
    if not isinstance(given, dict):
        raise BadRequest('The body is not an object. Send {"database": "default", "dry_run": false}, or nothing.')
    if unknown := sorted(given.keys() - {field.name for field in dataclasses.fields(Order)}):
        raise BadRequest(f"Unknown key {unknown[0]!r}. Send database, dry_run, phase, acknowledge, or nothing.")
    order = Order(**{**given, "acknowledge": _acknowledgements(given.get("acknowledge", []))})
    if not isinstance(order.dry_run, bool):
        raise BadRequest(f"dry_run is {order.dry_run!r}. Send true or false.")
    if not isinstance(order.database, str):
        raise BadRequest(f"database is {order.database!r}. Send the name of an alias.")
    known_database(order.database)
    _check_phase(order.phase)
    return order


def _acknowledgements(given: Any) -> tuple[str, ...]:
    """Return findings that are to pass, each for one plan alone; raise `BadRequest` for what names none."""
    if not isinstance(given, list) or not all(isinstance(name, str) and "=" not in name for name in given):
        raise BadRequest('acknowledge is no list of findings. Send ["AM301:shop.0007_x@3f9a"].')
    # Likewise.
    from auto_migrate.safety.acknowledgements import of_text

    for name in given:
        try:
            if not of_text(name).plan:
                raise BadRequest(f"{name!r} is for no plan. Send its fingerprint too: {name}@3f9a.")
        except UsageError as error:
            raise BadRequest(f"{name!r} names no finding. Send one such as AM301:shop.0007_x@3f9a.") from error
    return tuple(given)


def _check_phase(phase: str | None) -> None:
    if phase is None:
        return
    try:
        asked_phase(phase)
    except UsageError as error:
        raise BadRequest(f"{error.message} {error.hint}") from error


def _body(request: HttpRequest) -> Any:
    # Some clients send an empty form where there is nothing to send. Any other body is JSON, whatever it is declared
    # as: `curl -d '{"dry_run": true}'` calls it a form, and must not be taken for nothing.
    if request.content_type == "multipart/form-data":
        # A page's form: what is addressed stands in its button, and the findings to pass in boxes.
        given = {**request.GET.dict(), **request.POST.dict()}
        given.pop("csrfmiddlewaretoken", None)
        return {**given, "acknowledge": request.POST.getlist("acknowledge")}
    try:
        return json.loads(request.body) if request.body.strip() else {}
    except (ValueError, RecursionError) as error:
        raise BadRequest('The body is not JSON. Send {"database": "default", "dry_run": false}, or nothing.') from error


def _enqueue(history: History, requested_by: str, phase: str) -> RunRecord | None:
    """Take the place of the one run that may be asked for at a time; None if another run has it."""
    try:
        return history.enqueue(requested_by, phase=phase)
    except SlotTaken:
        if not _make_room(history):
            return None
    try:
        return history.enqueue(requested_by, phase=phase)
    except SlotTaken:
        return None


def _make_room(history: History) -> bool:
    """End the run that has the place if nobody carries it out; return whether to try again."""
    run = history.runs().filter(slot=HTTP_SLOT).first()
    if run is None:
        return True
    if not is_lost(run, timezone.now()):
        return False
    logger.warning("Run %s is given up: nobody carries it out.", run.id)
    history.abandon(run.id, error="Nobody carried the run out any more, and another one was asked for.")
    return True


def is_lost(run: RunRecord, now: datetime.datetime) -> bool:
    """Return whether nobody carries out an active run, given that nobody holds the deploy lock."""
    if run.status == RunStatus.RUNNING:
        return _last_sign_of_life(run) + LOCK_GRACE < now
    return run.requested_at + QUEUE_PATIENCE < now


def _last_sign_of_life(run: RunRecord) -> datetime.datetime:
    steps = run.steps.values_list("started_at", "finished_at")  # type: ignore[arg-type] # an unknown registry
    signs = [run.started_at, *itertools.chain.from_iterable(steps)]
    return max((sign for sign in signs if sign), default=run.requested_at)


def _busy(history: History, holder: Holder | None) -> JsonResponse:
    active = history.runs().filter(status__in=ACTIVE).prefetch_related("steps")
    # One that runs comes before one that is queued: "running" sorts last.
    run = active.order_by("-status", "-requested_at").first()
    details: dict[str, Any] = {
        "run": run_in_full(run, history.database) if run else None,
        "holder": holder_record(holder) if holder else None,
    }
    message = "Another run is under way on this database. Wait for it, or look at it under runs/."
    return problem("already_running", message, status=409, **details)


def _accepted(request: HttpRequest, order: Order, run: RunRecord) -> JsonResponse:
    namespace = request.resolver_match.namespace if request.resolver_match else "auto_migrate"
    status_url = reverse(f"{namespace}:run", args=[run.id])
    if order.database != DEFAULT_DB_ALIAS:
        status_url += f"?database={order.database}"
    content = {"run_id": run.id, "database": order.database, "status": run.status, "status_url": status_url}
    response = answer(content, status=202)
    response["Location"] = status_url
    return response
