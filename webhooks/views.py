"""The gateways' door."""

from __future__ import annotations

import hmac

import structlog
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import Error
from django.http import HttpRequest, JsonResponse, UnreadablePostError
from django.views.decorators.csrf import csrf_exempt

from webhooks import deliveries
from webhooks.states import EventStatus

logger = structlog.get_logger(__name__)

HTTP_STATUS = {EventStatus.PROCESSED: 200, EventStatus.REJECTED: 422}
"""What is kept and not acted upon, or not yet, is 202: the gateway need not send it again."""


@csrf_exempt
def receive(request: HttpRequest, gateway: str) -> JsonResponse:
    """Take in one delivery and answer with the id that it is kept under.

    The gateway proves itself with the header `X-Webhook-Secret`, or with `?token=` where it lets one configure nothing
    but a URL (logs are cleaned of it). Several secrets are good at once while one replaces the other.
    """
    if refusal := _refusal(request, gateway):
        return refusal
    try:
        event, is_new = deliveries.keep(gateway, request.body)
    except Error:
        logger.exception("A delivery could not be kept", gateway=gateway)
        return problem(503, "not_kept", "The delivery could not be kept. Send it again later.")
    except (RequestDataTooBig, UnreadablePostError, deliveries.NotJSON) as error:
        status, code, message = _why_not_kept(error)
        logger.warning("A delivery was refused", gateway=gateway, reason=message)
        return problem(status, code, message)
    outcome = deliveries.process(event.pk)
    if outcome == EventStatus.REJECTED:
        event.refresh_from_db()
        return problem(422, "malformed", f"{event.note} The delivery is kept as {event.pk}.")
    return JsonResponse(
        {"id": event.pk, "status": outcome, "duplicate": not is_new}, status=HTTP_STATUS.get(outcome, 202)
    )


def problem(status: int, code: str, message: str) -> JsonResponse:
    """Answer an error in the shape that the whole API has."""
    return JsonResponse({"error": {"code": code, "message": message}}, status=status)


def _why_not_kept(error: Exception) -> tuple[int, str, str]:
    if isinstance(error, RequestDataTooBig):
        return 413, "too_large", f"The body is larger than {settings.DATA_UPLOAD_MAX_MEMORY_SIZE} bytes."
    if isinstance(error, UnreadablePostError):
        return 400, "incomplete", "The body ended too early."
    return 400, "bad_json", str(error)


def _refusal(request: HttpRequest, gateway: str) -> JsonResponse | None:
    if request.method != "POST":
        response = problem(405, "method_not_allowed", "Webhooks are delivered by POST.")
        response["Allow"] = "POST"
        return response
    secrets = settings.GATEWAY_SECRETS.get(gateway)
    if not secrets and not settings.DEBUG:
        name = f"{gateway.upper()}_WEBHOOK_SECRET"
        logger.error("A delivery was refused: no secret is configured", gateway=gateway, variable=name)
        return problem(503, "not_configured", f"{name} is not set, so nobody can prove to be {gateway}.")
    if secrets and not _proves(request, secrets):
        logger.warning("A delivery was refused: wrong or missing secret", gateway=gateway)
        return problem(403, "forbidden", "Send the shared secret in the header X-Webhook-Secret.")
    return None


def _proves(request: HttpRequest, secrets: list[str]) -> bool:
    given = (request.headers.get("X-Webhook-Secret") or request.GET.get("token", "")).encode()
    # Every secret is compared, and each in constant time, so that the answer's timing tells nothing.
    matches = [hmac.compare_digest(given, secret.encode()) for secret in secrets]
    return any(matches)
