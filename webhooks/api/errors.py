"""How errors look."""

from __future__ import annotations

from typing import Any

from rest_framework.exceptions import ValidationError
from rest_framework.response import Response
from rest_framework.views import exception_handler


def error_response(error: Exception, context: dict[str, Any]) -> Response | None:
    """Answer an error as `{"error": {"code", "message"}}`; refused parameters are listed under `fields`."""
    response = exception_handler(error, context)
    if response is not None:
        response.data = {"error": _told(error, response.data)}
    return response


def _told(error: Exception, data: Any) -> dict[str, Any]:
    if isinstance(error, ValidationError):
        return {"code": "invalid", "message": "Some parameters make no sense.", "fields": data}
    detail = data["detail"]
    return {"code": detail.code, "message": str(detail)}
