"""The operators' desk: everything to be read and searched, and the few things that a person may decide."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from webhooks import deliveries, masking, previews, privacy, providers, queue, refusals, search
from webhooks.models import Alarm, DeadLetter, Erasure, OptOut, Payment, RecoverySMS, RefusalCount, WebhookEvent
from webhooks.phones import mask, to_e164
from webhooks.states import DEAD, REMINDERS, PersonKey
from webhooks.texts import reais

if TYPE_CHECKING:
    PaymentAdminBase = admin.ModelAdmin[Payment]
    EventAdminBase = admin.ModelAdmin[WebhookEvent]
    SMSAdminBase = admin.ModelAdmin[RecoverySMS]
    OptOutAdminBase = admin.ModelAdmin[OptOut]
    RefusalAdminBase = admin.ModelAdmin[RefusalCount]
    AlarmAdminBase = admin.ModelAdmin[Alarm]
    ErasureAdminBase = admin.ModelAdmin[Erasure]
    ErasureFormBase = forms.ModelForm[Erasure]
else:
    PaymentAdminBase = EventAdminBase = SMSAdminBase = OptOutAdminBase = RefusalAdminBase = admin.ModelAdmin
    AlarmAdminBase = ErasureAdminBase = admin.ModelAdmin
    ErasureFormBase = forms.ModelForm

admin.site.site_header = admin.site.site_title = "sms_sender"
admin.site.site_url = "/panel/"
admin.site.enable_nav_sidebar = False  # which leaves lists no room at 1280 pixels


class ReadOnly:
    """Lets nobody add, change or delete by hand; actions ask for the permission to change."""

    show_full_result_count = False  # which would count all of a million rows, too
    list_per_page = 50

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


class SearchByPayment:
    """Searches by phone, order and the gateway's id, on indexes alone."""

    search_fields: Any = ["gateway_id"]  # that there is a box; where is looked, is below
    search_help_text: Any = gettext_lazy("A phone, an order, or the gateway's id of a payment: all of it.")
    payment_lookup = "payment__in"

    def get_search_results(self, request: HttpRequest, rows: QuerySet[Any], term: str) -> tuple[QuerySet[Any], bool]:
        """Return the rows of the payments that are found."""
        if term := term.strip():
            rows = rows.filter(**{self.payment_lookup: search.payments(term).values("pk")})
        return rows, False


@admin.register(Payment)
class PaymentAdmin(SearchByPayment, ReadOnly, PaymentAdminBase):
    """Payments."""

    payment_lookup = "pk__in"
    list_display = ["order", "gateway", "status", "method", "total", "phone", "updated_at"]
    list_filter = ["gateway", "status", "method", "created_at"]
    fields = [
        "gateway", "gateway_id", "external_id", "status", "status_at", "method", "total", "customer_name",
        "phone", "sms_obstacle", "email", "pix_code", "issued_at", "expires_at", "paid_at", "created_at", "updated_at",
        "anonymized_at",
    ]  # fmt: skip

    @admin.display(description=gettext_lazy("Order"), ordering="external_id")
    def order(self, payment: Payment) -> str:
        """Return the shop's number of the order, else the gateway's of the payment."""
        return payment.external_id or payment.gateway_id

    @admin.display(description=gettext_lazy("Amount"), ordering="amount")
    def total(self, payment: Payment) -> str:
        """Return the amount in reais."""
        return reais(payment.amount)

    @admin.display(description=gettext_lazy("Phone"))
    def phone(self, payment: Payment) -> str:
        """Return the number with its middle hidden."""
        return mask(payment.customer_phone)

    @admin.display(description=gettext_lazy("E-mail"))
    def email(self, payment: Payment) -> str:
        """Return the address with most of its name hidden."""
        return masking.email(payment.customer_email)


@admin.register(WebhookEvent)
class EventAdmin(SearchByPayment, ReadOnly, EventAdminBase):
    """Deliveries."""

    list_display = ["id", "gateway", "status", "payment", "received_at", "note"]
    list_filter = ["gateway", "status", "received_at"]
    list_select_related = ["payment"]
    fields = [
        "gateway", "status", "note", "payment", "deliveries", "received_at", "last_received_at", "processed_at",
        "digest", "content",
    ]  # fmt: skip
    actions = ["process_again"]

    @admin.display(description=gettext_lazy("Payload, without what tells who it is"))
    def content(self, event: WebhookEvent) -> str:
        """Return what was delivered, personal data hidden."""
        try:
            payload = deliveries.loads(event.payload, parse_float=str)
        except deliveries.NotJSON:
            return ""
        return json.dumps(masking.payload(payload), ensure_ascii=True, indent=2)

    @admin.action(description=gettext_lazy("Process again"), permissions=["decide"])
    def process_again(self, request: HttpRequest, events: QuerySet[WebhookEvent]) -> None:
        """Process deliveries that this or an earlier release could not."""
        done, tried, left = deliveries.process_again(events)
        told = _("{done} of {tried} processed.").format(done=done, tried=tried)
        if left:
            told += " " + _("A worker takes the other {left}, within minutes.").format(left=left)
        self.message_user(request, told, messages.INFO)


class ReasonFilter(admin.SimpleListFilter):
    """Narrows dead letters to those of one reason."""

    title = gettext_lazy("reason")
    parameter_name = "reason"
    most = 20

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, str]]:
        """Return the reasons of the latest of them."""
        latest = WebhookEvent.objects.filter(status__in=DEAD).order_by("-received_at").values_list("note", flat=True)
        reasons = dict.fromkeys(note for note in latest[:1000] if note)
        return [(reason, reason[:80]) for reason in list(reasons)[: self.most]]

    def queryset(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Return those of the reason that was chosen."""
        return rows.filter(note=self.value()) if self.value() else rows


@admin.register(DeadLetter)
class DeadLetterAdmin(EventAdmin):
    """Deliveries that were not acted upon, by reason; the day is chosen above the list."""

    list_display = ["id", "status", "gateway", "received_at", "note", "deliveries"]
    list_filter = ["status", ReasonFilter, "gateway", "received_at"]
    date_hierarchy = "received_at"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return what failed, was rejected or ignored."""
        return super().get_queryset(request).filter(status__in=DEAD)


class ProviderFilter(admin.SimpleListFilter):
    """Narrows SMS to those of one provider; most have none yet, which Django would offer as a link without a name."""

    title = gettext_lazy("provider")
    parameter_name = "provider"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, str]]:
        """Return the providers that there are."""
        return [(name, name) for name in providers.names()]

    def queryset(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Return those of the provider that was chosen."""
        return rows.filter(provider=self.value()) if self.value() else rows


class ReminderFilter(admin.SimpleListFilter):
    """Narrows SMS to first, second or third reminders; Django would read all SMS to see which there are."""

    title = gettext_lazy("reminder")
    parameter_name = "number"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, str]]:
        """Return the reminders that there may be."""
        return [(str(number), str(number)) for number in REMINDERS]

    def queryset(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Return those of the reminder that was chosen."""
        chosen = self.value() or ""
        return rows.filter(number=int(chosen)) if chosen in map(str, REMINDERS) else rows


@admin.register(RecoverySMS)
class RecoverySMSAdmin(SearchByPayment, ReadOnly, SMSAdminBase):
    """Recovery SMS, with what a person decides about those that no program may."""

    list_display = ["id", "status", "order", "number", "recipient", "due_at", "delivery_status", "error"]
    list_filter = ["status", ReminderFilter, "delivery_status", ProviderFilter, "payment__gateway", "due_at"]
    list_select_related = ["payment"]
    fields = [
        "payment", "number", "status", "recipient", "body", "segments", "due_at", "claimed_at", "sent_at", "provider",
        "provider_id", "delivery_status", "delivery_code", "delivery_at", "attempts", "error", "created_at",
    ]  # fmt: skip
    actions = ["cancel", "send_now", "confirm", "dismiss"]
    change_list_template = "webhooks/admin/sms_list.html"

    @admin.display(description=gettext_lazy("Order"))
    def order(self, sms: RecoverySMS) -> str:
        """Return the shop's number of the order, else the gateway's of the payment."""
        return sms.payment.external_id or sms.payment.gateway_id

    @admin.display(description=gettext_lazy("Recipient"))
    def recipient(self, sms: RecoverySMS) -> str:
        """Return the number with its middle hidden."""
        return mask(sms.payment.customer_phone)

    def get_urls(self) -> list[URLPattern]:
        """Add the page that shows the texts."""
        texts = path("texts/", self.admin_site.admin_view(self.texts), name="webhooks_texts")
        return [texts, *super().get_urls()]

    def texts(self, request: HttpRequest) -> HttpResponse:
        """Show what each gateway's customers read, in how many segments and at what price, and a text to try."""
        wanted = request.GET.get("template", "")[:1000]
        context = {
            **self.admin_site.each_context(request),
            "title": _("Texts of the SMS"),
            "previews": previews.all_previews(),
            "wanted": wanted,
            "trial": previews.preview(template=wanted) if wanted else None,
            "opts": self.opts,
        }
        return TemplateResponse(request, "webhooks/admin/texts.html", context)

    @admin.action(description=gettext_lazy("Cancel"), permissions=["decide"])
    def cancel(self, request: HttpRequest, rows: QuerySet[RecoverySMS]) -> None:
        """Cancel SMS that no worker has taken yet."""
        cancelled = queue.cancel(rows, reason=_("Cancelled by {user}.").format(user=request.user.get_username()))
        self.message_user(request, _("{count} cancelled.").format(count=cancelled), messages.INFO)

    @admin.action(description=gettext_lazy("Send now (make sure first that it did not arrive)"), permissions=["decide"])
    def send_now(self, request: HttpRequest, rows: QuerySet[RecoverySMS]) -> None:
        """Have SMS sent at once, those included of which nobody knows whether they were."""
        again = queue.send_again(rows)
        told = _("{count} due now; what was sent or is being sent stays as it is.").format(count=again)
        self.message_user(request, told, messages.INFO)

    @admin.action(description=gettext_lazy("It arrived (of those whose outcome is unknown)"), permissions=["decide"])
    def confirm(self, request: HttpRequest, rows: QuerySet[RecoverySMS]) -> None:
        """Note that SMS went out of which nobody knew."""
        self.message_user(request, _("{count} have arrived.").format(count=queue.confirm(rows)), messages.INFO)

    @admin.action(description=gettext_lazy("Leave it (of those that failed)"), permissions=["decide"])
    def dismiss(self, request: HttpRequest, rows: QuerySet[RecoverySMS]) -> None:
        """Give up SMS that failed."""
        given_up = queue.dismiss(rows, reason=_("Given up by {user}.").format(user=request.user.get_username()))
        self.message_user(request, _("{count} given up.").format(count=given_up), messages.INFO)


@admin.register(OptOut)
class OptOutAdmin(OptOutAdminBase):
    """Numbers that want no SMS: to be entered and taken back, not to be rewritten."""

    list_display = ["__str__", "source", "created_at"]
    list_filter = ["source", "created_at"]
    search_fields = ["phone"]
    search_help_text = gettext_lazy("A phone: all of it.")
    fields = ["phone"]

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """Ask for the number where one is entered, and hide its middle afterwards."""
        return ["number", "source", "created_at"] if obj else self.fields

    @admin.display(description=gettext_lazy("Phone"))
    def number(self, opt_out: OptOut) -> str:
        """Return the number with its middle hidden."""
        return mask(opt_out.phone)

    def get_search_results(
        self, request: HttpRequest, rows: QuerySet[OptOut], term: str
    ) -> tuple[QuerySet[OptOut], bool]:
        """Return the number, however it is written."""
        return (rows.filter(phone=to_e164(term[:40])) if term.strip() else rows), False

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

    @admin.action(description=gettext_lazy("Seen to (ends the alarm)"), permissions=["decide"])
    def acknowledge(self, request: HttpRequest, rows: QuerySet[RefusalCount]) -> None:
        """End the alarm about what was counted so far."""
        told = _("{count} seen to.").format(count=refusals.acknowledge(rows))
        self.message_user(request, told, messages.INFO)


@admin.register(Alarm)
class AlarmAdmin(ReadOnly, AlarmAdminBase):
    """What somebody had to see to."""

    list_display = ["name", "text", "raised_at", "told_at", "ended_at"]
    list_filter = ["raised_at"]


class ErasureForm(ErasureFormBase):
    """Asks who is to be forgotten, which is not kept."""

    person = forms.CharField(
        label=gettext_lazy("Phone or CPF"),
        max_length=40,
        help_text=gettext_lazy("It is not kept, nor can it be undone."),
    )

    class Meta:
        model = Erasure
        fields = ["kind", "person", "requested_by"]

    def clean(self) -> dict[str, Any]:
        """Refuse what is no phone and no CPF."""
        told: dict[str, Any] = super().clean() or {}
        if told.get("kind") and told.get("person"):
            try:
                privacy.normalize(PersonKey(told["kind"]), told["person"])
            except ValidationError as error:
                self.add_error("person", error)
        return told


@admin.register(Erasure)
class ErasureAdmin(ErasureAdminBase):
    """Forgetting a person, and the record of whom that was done for."""

    form = ErasureForm
    list_display = ["created_at", "kind", "requested_by", "done_by", "payments", "deliveries"]
    list_filter = ["kind", "created_at"]
    fields = ["kind", "person", "requested_by"]

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """Return the record's own where there is one."""
        return self.list_display if obj else self.fields

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False

    def save_model(self, request: HttpRequest, obj: Erasure, form: Any, change: bool) -> None:
        """Forget the person."""
        asked = form.cleaned_data
        done = privacy.erase(
            PersonKey(asked["kind"]), asked["person"], requested_by=asked["requested_by"],
            done_by=request.user.get_username(),
        )  # fmt: skip
        obj.__dict__.update(done.__dict__)
        told = ngettext(
            "{count} payment is nobody's any more.", "{count} payments are nobody's any more.", obj.payments
        )
        self.message_user(request, told.format(count=obj.payments), messages.INFO)
