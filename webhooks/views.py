"""The gateways' door."""

from __future__ import annotations

import structlog
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import Error
from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.utils.translation import gettext as _
from django.views import defaults
from django.views.decorators.csrf import csrf_exempt

from webhooks import deliveries, proofs, refusals
from webhooks.proofs import Refused
from webhooks.states import EventStatus, Refusal

logger = structlog.get_logger(__name__)

HTTP_STATUS = {EventStatus.PROCESSED: 200, EventStatus.REJECTED: 422}
"""What is kept and not acted upon, or not yet, is 202: the gateway need not send it again."""


@csrf_exempt
def receive(request: HttpRequest, gateway: str) -> JsonResponse:
    """Take in one delivery of whoever proves to be the gateway, and answer with the id that it is kept under."""
    if request.method != "POST":
        response = problem(405, "method_not_allowed", "Webhooks are delivered by POST.")
        response["Allow"] = "POST"
        return response
    try:
        proofs.check(request, gateway)
        outcome = deliveries.take_in(gateway, request.body)
    except Error:
        logger.exception("A delivery could not be kept", gateway=gateway)
        return problem(503, "not_kept", "The delivery could not be kept. Send it again later.")
    except (Refused, RequestDataTooBig, UnreadablePostError, deliveries.NotJSON) as error:
        return _refuse(gateway, error)
    _log(gateway, outcome)
    if outcome.status == EventStatus.REJECTED:
        told = _("{note} The delivery is kept as {delivery}.").format(note=outcome.note, delivery=outcome.id)
        return problem(422, "malformed", told)
    content = {"id": outcome.id, "status": outcome.status, "duplicate": not outcome.is_new}
    return JsonResponse(content, status=HTTP_STATUS.get(outcome.status, 202))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer an address that is nobody's, such as that of a gateway which is misspelt, as the rest of the API does."""
    if not request.path.startswith("/api/"):
        return defaults.page_not_found(request, exception)
    return problem(404, "not_found", f"There is nothing at {request.path}.")


def problem(status: int, code: str, message: str) -> JsonResponse:
    """Answer an error in the shape that the whole API has."""
    return JsonResponse({"error": {"code": code, "message": message}}, status=status)


def _refuse(gateway: str, error: Exception) -> JsonResponse:
    told = _why_not_kept(error)
    log = logger.warning if told.refusal else logger.error
    log("A delivery was refused", gateway=gateway, code=told.code, reason=told.message)
    if told.refusal:
        refusals.count(gateway, told.refusal)
    return problem(told.status, told.code, told.message)


def _why_not_kept(error: Exception) -> Refused:
    if isinstance(error, Refused):
        return error
    if isinstance(error, RequestDataTooBig):
        told = f"The body is larger than {settings.DATA_UPLOAD_MAX_MEMORY_SIZE} bytes."
        return Refused(413, "too_large", told, Refusal.TOO_LARGE)
    if isinstance(error, UnreadablePostError):
        return Refused(400, "incomplete", "The body ended too early.", Refusal.INCOMPLETE)
    return Refused(400, "bad_json", str(error), Refusal.BAD_JSON)


def _log(gateway: str, outcome: deliveries.Outcome) -> None:
    """Write the one line by which support finds a delivery again."""
    given = {"delivery": outcome.id, "payment": outcome.payment, "phone": outcome.phone}
    told = {"outcome": str(outcome.status), "duplicate": not outcome.is_new}
    log = logger.info if outcome.status == EventStatus.PROCESSED else logger.warning
    log("A delivery was taken in", gateway=gateway, **given, **told, **({"note": outcome.note} if outcome.note else {}))
