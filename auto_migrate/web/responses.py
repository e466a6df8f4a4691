"""Answers: JSON that no cache keeps, and one shape for everything that went wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import JsonResponse


def answer(content: Mapping[str, Any], *, status: int = 200) -> JsonResponse:
    """Return JSON that no cache between here and the caller may keep."""
    return JsonResponse(content, status=status, headers={"Cache-Control": "no-store"})


def problem(code: str, message: str, *, status: int, **more: Any) -> JsonResponse:
    """Return `{"error": {"code", "message"}}`, and `more` beside it."""
    return answer({"error": {"code": code, "message": message}, **more}, status=status)


def forbidden(message: str = "") -> JsonResponse:
    """Return the one answer to everybody who may not."""
    text = message or "Send `Authorization: Bearer <AUTO_MIGRATE_TOKEN>`, or log in as a member of staff."
    return problem("forbidden", text, status=403)
