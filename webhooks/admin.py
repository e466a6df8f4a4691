"""The operators' desk: everything to be read and searched, and the few things that a person may decide."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from webhooks import deliveries, queue, refusals
from webhooks.models import OptOut, Payment, RecoverySMS, RefusalCount, WebhookEvent
from webhooks.phones import mask
from webhooks.states import EventStatus
from webhooks.texts import reais

if TYPE_CHECKING:
    PaymentAdminBase = admin.ModelAdmin[Payment]
    EventAdminBase = admin.ModelAdmin[WebhookEvent]
    SMSAdminBase = admin.ModelAdmin[RecoverySMS]
    OptOutAdminBase = admin.ModelAdmin[OptOut]
    RefusalAdminBase = admin.ModelAdmin[RefusalCount]
else:
    PaymentAdminBase = EventAdminBase = SMSAdminBase = OptOutAdminBase = RefusalAdminBase = admin.ModelAdmin


class ReadOnly:
    """Lets nobody add, change or delete by hand; actions ask for the permission to change."""

    def has_add_permission(self, request: HttpRequest, *_: Any) -> bool:
        """Refuse."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False

    def has_decide_permission(self, request: HttpRequest) -> bool:
        """Let those run actions who were given the right to change rows."""
        options = self.opts  # type: ignore[attr-defined] # of the ModelAdmin that this is mixed into
        return request.user.has_perm(f"{options.app_label}.change_{options.model_name}")


@admin.register(Payment)
class PaymentAdmin(ReadOnly, PaymentAdminBase):
    """Payments."""

    list_display = ["gateway", "gateway_id", "status", "method", "total", "customer_name", "phone", "updated_at"]
    list_filter = ["gateway", "status", "method", "created_at"]
    search_fields = ["gateway_id", "external_id", "customer_name", "customer_email", "customer_phone"]
    fields = [
        "gateway", "gateway_id", "external_id", "status", "status_at", "method", "total", "customer_name",
        "customer_phone", "sms_obstacle", "customer_email", "pix_code", "issued_at",
        "expires_at", "paid_at", "created_at", "updated_at",
    ]  # fmt: skip

    @admin.display(description="Amount", ordering="amount")
    def total(self, payment: Payment) -> str:
        """Return the amount in reais."""
        return reais(payment.amount)

    @admin.display(description="Phone")
    def phone(self, payment: Payment) -> str:
        """Return the number with its middle hidden."""
        return mask(payment.customer_phone)


@admin.register(WebhookEvent)
class EventAdmin(ReadOnly, EventAdminBase):
    """Deliveries."""

    list_display = ["id", "gateway", "status", "payment", "deliveries", "received_at", "note"]
    list_filter = ["gateway", "status", "received_at"]
    list_select_related = ["payment"]
    search_fields = ["digest", "payment__gateway_id", "payload"]
    actions = ["process_again"]

    @admin.action(description="Process again", permissions=["decide"])
    def process_again(self, request: HttpRequest, events: QuerySet[WebhookEvent]) -> None:
        """Process deliveries that this or an earlier release could not."""
        keys = list(events.exclude(status=EventStatus.PROCESSED).order_by("pk").values_list("pk", flat=True))
        WebhookEvent.objects.filter(pk__in=keys).update(status=EventStatus.RECEIVED)
        done = [deliveries.process(key) for key in keys].count(EventStatus.PROCESSED)
        self.message_user(request, f"{done} of {len(keys)} processed.", messages.INFO)


@admin.register(RecoverySMS)
class RecoverySMSAdmin(ReadOnly, SMSAdminBase):
    """Recovery SMS, with what a person decides about those that no program may."""

    list_display = ["id", "status", "payment", "recipient", "due_at", "sent_at", "delivery_status", "attempts", "error"]
    list_filter = ["status", "delivery_status", "provider", "payment__gateway", "due_at"]
    list_select_related = ["payment"]
    search_fields = ["payment__gateway_id", "payment__customer_phone", "payment__customer_name", "provider_id"]
    actions = ["cancel", "send_now"]

    @admin.display(description="Recipient")
    def recipient(self, sms: RecoverySMS) -> str:
        """Return the number with its middle hidden."""
        return mask(sms.payment.customer_phone)

    @admin.action(description="Cancel", permissions=["decide"])
    def cancel(self, request: HttpRequest, rows: QuerySet[RecoverySMS]) -> None:
        """Cancel SMS that no worker has taken yet."""
        cancelled = queue.cancel(rows, reason=f"Cancelled by {request.user.get_username()}.")
        self.message_user(request, f"{cancelled} cancelled.", messages.INFO)

    @admin.action(description="Send now (make sure first that it did not arrive)", permissions=["decide"])
    def send_now(self, request: HttpRequest, rows: QuerySet[RecoverySMS]) -> None:
        """Have SMS sent at once, those included of which nobody knows whether they were."""
        again = queue.send_again(rows)
        self.message_user(request, f"{again} due now; what was sent or is being sent stays as it is.", messages.INFO)


@admin.register(OptOut)
class OptOutAdmin(OptOutAdminBase):
    """Numbers that want no SMS: to be entered and taken back, not to be rewritten."""

    list_display = ["phone", "source", "created_at"]
    list_filter = ["source", "created_at"]
    search_fields = ["phone"]
    fields = ["phone"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False


@admin.register(RefusalCount)
class RefusalCountAdmin(ReadOnly, RefusalAdminBase):
    """What was refused or not known, by day."""

    list_display = ["day", "gateway", "reason", "detail", "count", "last_at", "seen_at"]
    list_filter = ["gateway", "reason", "day"]
    search_fields = ["detail"]
    actions = ["acknowledge"]

    @admin.action(description="Seen to (ends the alarm)", permissions=["decide"])
    def acknowledge(self, request: HttpRequest, rows: QuerySet[RefusalCount]) -> None:
        """End the alarm about what was counted so far."""
        self.message_user(request, f"{refusals.acknowledge(rows)} seen to.", messages.INFO)
