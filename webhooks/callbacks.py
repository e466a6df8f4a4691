"""What Twilio calls with, signed as its “Webhooks security” has it: answers of people, reports of deliveries."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.html import escape
from django.views.decorators.csrf import csrf_exempt

from webhooks import opt_outs, reports
from webhooks.phones import mask, to_e164
from webhooks.states import DeliveryStatus, OptOutSource
from webhooks.views import problem

logger = structlog.get_logger(__name__)

FAREWELL = "Pronto: voce nao recebera mais SMS nossos."
"""Without accents, so that it is one SMS."""

View = Callable[[HttpRequest], HttpResponse]


def signed(view: View) -> View:
    """Let Twilio alone in."""

    @csrf_exempt
    @wraps(view)
    def guarded(request: HttpRequest) -> HttpResponse:
        if request.method != "POST":
            response = problem(405, "method_not_allowed", "Twilio calls by POST.")
            response["Allow"] = "POST"
            return response
        if not settings.TWILIO_AUTH_TOKEN:
            return problem(503, "not_configured", "TWILIO_AUTH_TOKEN is not set, so nobody can prove to be Twilio.")
        if not _is_genuine(request):
            logger.warning("A callback was refused: wrong or missing signature", path=request.path)
            told = "X-Twilio-Signature is not that of this address and form. Behind a proxy, set PUBLIC_URL."
            return problem(403, "forbidden", told)
        return view(request)

    return guarded


def _is_genuine(request: HttpRequest) -> bool:
    # Not at the top: the library takes a while to load, and most web processes are never called.
    from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

    validator = RequestValidator(settings.TWILIO_AUTH_TOKEN)
    given = request.headers.get("X-Twilio-Signature", "")
    # Signed is the address as Twilio called it, which a proxy may hide.
    addresses = [request.build_absolute_uri()]
    if settings.PUBLIC_URL:
        addresses.append(settings.PUBLIC_URL + request.get_full_path())
    return any(validator.validate(address, request.POST, given) for address in addresses)


@signed
def inbound(request: HttpRequest) -> HttpResponse:
    """Take an answer in; one that asks for no more SMS is confirmed once, unless Twilio has done so."""
    phone = to_e164(request.POST.get("From", "")[:40])
    is_wanted = bool(request.POST.get("OptOutType") == "STOP" or opt_outs.is_asked_for(request.POST.get("Body", "")))
    logger.info("An answer came", phone=mask(phone), opts_out=is_wanted)
    is_news = bool(phone) and is_wanted and opt_outs.add(phone, OptOutSource.INBOUND)
    return _twiml(FAREWELL if is_news and not request.POST.get("OptOutType") else "")


def _twiml(text: str) -> HttpResponse:
    message = f"<Message>{escape(text)}</Message>" if text else ""
    body = f'<?xml version="1.0" encoding="UTF-8"?><Response>{message}</Response>'
    return HttpResponse(body, content_type="text/xml; charset=utf-8")


@signed
def status(request: HttpRequest) -> HttpResponse:
    """Take in what became of an SMS; what we know nothing of is not ours to ask about again."""
    form = request.POST
    if form.get("MessageStatus", "") in DeliveryStatus.values:
        reports.record(
            reference=request.GET.get("reference", ""),
            provider_id=form.get("MessageSid", ""),
            status=DeliveryStatus(form["MessageStatus"]),
            code=form.get("ErrorCode", ""),
        )
    return HttpResponse(status=204)
