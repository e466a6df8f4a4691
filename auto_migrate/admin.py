"""Backfills in the admin of a project that has one: a list to look at, and the three things to do with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.db import connections
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from auto_migrate.history.models import BackfillRecord, ensure_tables

if TYPE_CHECKING:
    Base = admin.ModelAdmin[BackfillRecord]
else:
    Base = admin.ModelAdmin


@admin.register(BackfillRecord)
class BackfillAdmin(Base):
    """The backfills of the default database; staff may see them and act, as behind `backfills/`."""

    list_display = ("name", "app_label", "schema", "state", "progress", "requested_at", "finished_at")
    list_display_links = None
    list_filter = ("state",)
    actions = ("pause", "resume", "cancel")

    @admin.display(description=gettext_lazy("progress"))
    def progress(self, record: BackfillRecord) -> str:
        """Say how far it is."""
        # Every process of a project with an admin site imports this module.
        from auto_migrate.backfills.progress import described, progress_of

        return described(progress_of(record)).partition(": ")[2]

    @admin.action(description=gettext_lazy("Pause the selected backfills"))
    def pause(self, request: HttpRequest, records: QuerySet[BackfillRecord]) -> None:
        """Let them stand still."""
        self._act(request, records, "pause")

    @admin.action(description=gettext_lazy("Resume the selected backfills"))
    def resume(self, request: HttpRequest, records: QuerySet[BackfillRecord]) -> None:
        """Let them go on."""
        self._act(request, records, "resume")

    @admin.action(description=gettext_lazy("Cancel the selected backfills"))
    def cancel(self, request: HttpRequest, records: QuerySet[BackfillRecord]) -> None:
        """Let them be."""
        self._act(request, records, "cancel")

    def _act(self, request: HttpRequest, records: QuerySet[BackfillRecord], action: str) -> None:
        from auto_migrate.backfills.records import Backfills

        for record in records:
            told = [record]
            changed = Backfills(records.db).act(told, action)
            text = _("Backfill {backfill} is {state}.").format(backfill=record.key, state=told[0].state)
            self.message_user(request, text, messages.SUCCESS if changed else messages.WARNING)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Show them, or say within seconds that the database cannot be asked."""
        from auto_migrate.web.endpoint import asks_databases, endpoint
        from auto_migrate.web.pages.frame import for_browsers

        def rendered(request: HttpRequest) -> Any:
            response: Any = super(BackfillAdmin, self).changelist_view(request, extra_context)
            # Otherwise it asks for the rows when nobody looks any more how long that takes.
            return response.render() if hasattr(response, "render") else response

        return for_browsers(endpoint("GET", "HEAD", "POST")(asks_databases(rendered)))(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[BackfillRecord]:
        """Return all of them, from a table that the first look makes."""
        found = super().get_queryset(request)
        ensure_tables(connections[found.db], [BackfillRecord])
        return found

    # The table is not one of the project's models, which have permissions of their own: as for `debug/`, staff may.
    def has_module_permission(self, request: HttpRequest) -> bool:
        return self._is_staff(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._is_staff(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def _is_staff(self, request: HttpRequest) -> bool:
        user: Any = request.user
        return bool(user.is_active and user.is_staff)
