"""Who may ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpRequest
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from auto_migrate.web.auth import has_token, is_authorized

if TYPE_CHECKING:  # rest_framework.views imports the default permissions, hence this module
    from rest_framework.views import APIView


class IsOperator(BasePermission):
    """Let in whom the protected endpoints of `auto_migrate` let in: a bearer of the token, or staff with a session.

    Staff may read; to change something they need the view's `decide_permission`, if it names one.
    """

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Let the request pass, or raise: whoever shows nothing is told the same as whoever shows something wrong."""
        if not is_authorized(request._request):
            told = "Send `Authorization: Bearer <AUTO_MIGRATE_TOKEN>`, or log in at /admin/ as staff."
            raise PermissionDenied(told, code="forbidden")
        needed = getattr(view, "decide_permission", "")
        if request.method not in SAFE_METHODS and needed and not may(request._request, needed):
            raise PermissionDenied(f"This user lacks the permission {needed}.", code="forbidden")
        return True


def may(request: HttpRequest, permission: str) -> bool:
    """Return whether the request may do what staff needs that permission for: a bearer of the token may do all."""
    return has_token(request) or request.user.has_perm(permission)
