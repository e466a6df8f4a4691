"""Who may ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from auto_migrate.web.auth import is_authorized

if TYPE_CHECKING:  # rest_framework.views imports the default permissions, hence this module
    from rest_framework.views import APIView


class IsOperator(BasePermission):
    """Let in whom the protected endpoints of `auto_migrate` let in: a bearer of the token, or staff with a session."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Let the request pass, or raise: whoever shows nothing is told the same as whoever shows something wrong."""
        if not is_authorized(request._request):
            told = "Send `Authorization: Bearer <AUTO_MIGRATE_TOKEN>`, or log in at /admin/ as staff."
            raise PermissionDenied(told, code="forbidden")
        return True
