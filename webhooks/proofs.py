"""How a gateway proves to be one: by a signature, or by a shared secret."""

from __future__ import annotations

import dataclasses
import hmac

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone

from webhooks import signatures
from webhooks.states import Refusal


@dataclasses.dataclass(eq=False)  # an exception's traceback is set, and it is hashed
class Refused(Exception):
    """A delivery is not taken: what is answered, and what it is counted as (None where the fault is ours)."""

    status: int
    code: str
    message: str
    refusal: Refusal | None = None


def check(request: HttpRequest, gateway: str) -> None:
    """Raise `Refused` unless the request proves to come from the gateway.

    Where there are signing secrets, a signature counts; where there is a shared secret, the header `X-Webhook-Secret`
    does, or `?token=` where one can configure nothing but a URL (logs are cleaned of it). A signature that is there
    must be right. Several secrets are good at once while one replaces the other.
    """
    signing = settings.GATEWAY_SIGNING_SECRETS.get(gateway, [])
    shared = settings.GATEWAY_SECRETS.get(gateway, [])
    if signing and ("webhook-signature" in request.headers or not shared):
        _check_signature(request, signing)
    elif shared:
        _check_secret(request, shared)
    elif not settings.DEBUG:
        name = f"{gateway.upper()}_WEBHOOK_SECRET"
        raise Refused(503, "not_configured", f"{name} is not set, so nobody can prove to be {gateway}.")


def _check_signature(request: HttpRequest, secrets: list[str]) -> None:
    try:
        signatures.verify(request.headers, request.body, secrets, timezone.now())
    except signatures.StaleSignature as error:
        raise Refused(401, "stale_signature", str(error), Refusal.STALE_SIGNATURE) from error
    except signatures.BadSignature as error:
        raise Refused(401, "bad_signature", str(error), Refusal.BAD_SIGNATURE) from error


def _check_secret(request: HttpRequest, secrets: list[str]) -> None:
    given = (request.headers.get("X-Webhook-Secret") or request.GET.get("token", "")).encode()
    # Every secret is compared, and each in constant time, so that the answer's timing tells nothing.
    matches = [hmac.compare_digest(given, secret.encode()) for secret in secrets]
    if not any(matches):
        told = "Send the shared secret in the header X-Webhook-Secret."
        raise Refused(403, "forbidden", told, Refusal.BAD_SECRET)
