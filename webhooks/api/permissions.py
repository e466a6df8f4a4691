"""Who may ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

if TYPE_CHECKING:  # rest_framework.views imports the default permissions, hence this module
    from rest_framework.views import APIView


class IsOperator(BasePermission):
    """Let in whom the protected endpoints of `auto_migrate` let in: a bearer of the token, or staff with a session."""

    message = "Send `Authorization: Bearer <AUTO_MIGRATE_TOKEN>`, or log in at /admin/ as staff."
    code = "forbidden"

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Tell whether the request may be answered."""
        from auto_migrate.web.auth import is_authorized

        return is_authorized(request._request)
