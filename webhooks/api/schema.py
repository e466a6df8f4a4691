"""What the OpenAPI description says beyond the operators' lists, and the page that shows it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.views import View
from drf_spectacular.views import SpectacularSwaggerView

from webhooks import gateways

SCHEME = "gatewaySecret"
ANSWERS = {
    "200": "Kept and acted upon.",
    "202": "Kept, and not acted upon or not yet: it need not be sent again.",
    "400": "No JSON object in UTF-8.",
    "401": "The signature is wrong, or not of these five minutes.",
    "403": "The secret is wrong or missing.",
    "413": "The body is too large.",
    "422": "Kept, but it lacks what every delivery has.",
    "503": "Not kept: send it again later.",
}


def describe_deliveries(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Add an operation for each gateway: a hook of drf-spectacular, which knows nothing of plain views."""
    if not (names := gateways.choices()):
        return result
    paths = {reverse("gateway", args=[name]): _delivery(name, label) for name, label in names}
    scheme = {"type": "apiKey", "in": "header", "name": "X-Webhook-Secret"}
    result["components"].setdefault("securitySchemes", {})[SCHEME] = scheme
    result["paths"] |= {path: {"post": operation} for path, operation in paths.items()}
    listed = ", ".join(f"`POST {path}`" for path in paths)
    told = f"Gateways deliver to {listed}: a JSON object, with the shared secret in the header `X-Webhook-Secret`."
    result["info"]["description"] = "\n\n".join(filter(None, [result["info"].get("description"), told]))
    return result


def _delivery(name: str, label: str) -> dict[str, Any]:
    return {
        "operationId": f"{name}_deliver",
        "description": f"One delivery of {label}.",
        "tags": ["deliveries"],
        "security": [{SCHEME: []}],
        "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}},
        "responses": {status: {"description": text} for status, text in ANSWERS.items()},
    }


class Docs(SpectacularSwaggerView):
    """The page. It is HTML alone, which what REST framework answers to OPTIONS is not."""

    def options(  # type: ignore[override] # no answer of REST framework's
        self, request: HttpRequest, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        """Answer as Django's own views do: with the methods that there are."""
        return View.options(self, request, *args, **kwargs)
