"""What is kept: payments, the deliveries that told of them, and the SMS that came of it.

A release runs beside the one before it while it is deployed, so columns are added with a database default or NULL and
removed one release after the code stopped using them.
"""

from __future__ import annotations

from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from webhooks import gateways
from webhooks.phones import mask, to_e164
from webhooks.states import (
    DEAD,
    IN_TROUBLE,
    UNSETTLED,
    DeliveryStatus,
    EventStatus,
    OptOutSource,
    PaymentMethod,
    PaymentStatus,
    PersonKey,
    Refusal,
    SMSStatus,
)

PAID_MOMENT = Coalesce("paid_at", "status_at", "updated_at")
"""When a payment was made, as far as its gateway tells."""


class Payment(models.Model):
    """A payment as its gateway last told of it; known by gateway and the gateway's id."""

    gateway = models.CharField(_("gateway"), max_length=20, choices=gateways.choices)
    gateway_id = models.CharField(_("payment's id"), max_length=200)
    external_id = models.CharField(_("order"), max_length=200, blank=True)
    status = models.CharField(_("status"), max_length=20, choices=PaymentStatus)
    # When the gateway says that the status was taken; NULL where it does not say.
    status_at = models.DateTimeField(_("status taken at"), null=True, blank=True)
    # When the gateway says that the payment was made out; NULL where it does not say.
    issued_at = models.DateTimeField(_("made out at"), null=True, blank=True)
    method = models.CharField(_("method"), max_length=20, choices=PaymentMethod)
    amount = models.PositiveBigIntegerField(_("amount"), help_text=_("Centavos."))
    customer_name = models.CharField(_("customer"), max_length=200, blank=True)
    customer_phone = models.CharField(
        _("phone"), max_length=20, blank=True, help_text=_("E.164; empty if it is no phone number.")
    )
    customer_email = models.CharField(_("e-mail"), max_length=254, blank=True)
    sms_obstacle = models.CharField(
        _("why no SMS"), max_length=200, blank=True, default="", db_default="",
        help_text=_("Why it gets no SMS, whatever its status."),
    )  # fmt: skip
    pix_code = models.TextField(_("PIX code"), blank=True)
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True)
    paid_at = models.DateTimeField(_("paid at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    updated_at = models.DateTimeField(_("changed at"), auto_now=True)
    # Since when nobody can tell whose it was; what is delivered later of whom is not kept either.
    anonymized_at = models.DateTimeField(_("anonymised at"), null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        verbose_name = _("payment")
        verbose_name_plural = _("payments")
        constraints = [models.UniqueConstraint(fields=["gateway", "gateway_id"], name="payment_gateway_id")]
        indexes = [
            models.Index(fields=["customer_phone"], name="payment_phone"),
            models.Index(fields=["gateway", "external_id"], name="payment_order"),
            models.Index(PAID_MOMENT, name="payment_paid", condition=Q(status=PaymentStatus.PAID)),
        ]

    def __str__(self) -> str:
        return f"{self.gateway} {self.gateway_id} ({self.get_status_display()})"

    @property
    def is_left_waiting(self) -> bool:
        """Return whether this is a PIX payment that nobody has made yet."""
        return self.status == PaymentStatus.WAITING and self.method == PaymentMethod.PIX

    @property
    def is_held_back(self) -> bool:
        """Return whether this PIX payment is looked into, and may be left waiting afterwards."""
        return PaymentStatus(self.status).is_held_back and self.method == PaymentMethod.PIX

    @property
    def began_at(self) -> datetime:
        """Return since when the payment has been awaited, as far as its gateway tells."""
        told = self.issued_at or self.status_at
        # A gateway's clock that is ahead is not believed.
        return min(told, self.created_at) if told else self.created_at

    def expired_between(self, since: datetime, now: datetime) -> bool:
        """Return whether the PIX code ran out in that time.

        One that had run out before is no reason to keep quiet: gateways deliver late, and the sale can be recovered.
        """
        return self.expires_at is not None and since < self.expires_at <= now


class WebhookEvent(models.Model):
    """A delivery, kept once and as it came, whatever becomes of it."""

    gateway = models.CharField(_("gateway"), max_length=20, choices=gateways.choices)
    digest = models.CharField(_("digest"), max_length=64, help_text=_("SHA-256 of the canonical JSON."))
    # Text, not jsonb: PostgreSQL's jsonb refuses some valid JSON (a \u0000 in a name) and would lose the delivery.
    # Empty once it has been stripped: of a person who is to be forgotten, or too old.
    payload = models.TextField(_("payload"))
    status = models.CharField(_("status"), max_length=20, choices=EventStatus, default=EventStatus.RECEIVED)
    note = models.TextField(_("note"), blank=True, help_text=_("Why it was not acted upon."))
    payment = models.ForeignKey(
        Payment, null=True, blank=True, on_delete=models.SET_NULL, related_name="events", verbose_name=_("payment")
    )
    deliveries = models.PositiveIntegerField(_("times delivered"), default=1)
    received_at = models.DateTimeField(_("received at"), default=timezone.now)
    last_received_at = models.DateTimeField(_("last received at"), default=timezone.now)
    # Of a failed one, when it was last tried.
    processed_at = models.DateTimeField(_("processed at"), null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        constraints = [models.UniqueConstraint(fields=["gateway", "digest"], name="webhook_event_once")]
        indexes = [
            models.Index(fields=["received_at"], name="webhook_event_left", condition=Q(status__in=UNSETTLED)),
            models.Index(fields=["gateway", "received_at"], name="webhook_event_hours"),
            models.Index(fields=["received_at"], name="webhook_event_dead", condition=Q(status__in=DEAD)),
        ]

    def __str__(self) -> str:
        return f"{self.gateway} {self.digest[:12]} ({self.get_status_display()})"


class DeadLetter(WebhookEvent):
    """A delivery that was not acted upon: failed, rejected or ignored."""

    class Meta:
        proxy = True
        ordering = ["-pk"]
        verbose_name = _("dead letter")
        verbose_name_plural = _("dead letters")


class RefusalCount(models.Model):
    """How often deliveries of a gateway were refused for one reason on one day of the service's own clock."""

    gateway = models.CharField(_("gateway"), max_length=20, choices=gateways.choices)
    reason = models.CharField(_("reason"), max_length=20, choices=Refusal)
    detail = models.CharField(_("detail"), max_length=100, blank=True, help_text=_("The unknown word."))
    day = models.DateField(_("day"))
    count = models.PositiveBigIntegerField(_("count"), default=0)
    last_at = models.DateTimeField(_("last at"))
    # An operator has seen to it: no alarm for what came before.
    seen_at = models.DateTimeField(_("seen to at"), null=True, blank=True)

    class Meta:
        ordering = ["-last_at"]
        verbose_name = _("refusal")
        verbose_name_plural = _("refusals")
        constraints = [
            models.UniqueConstraint(fields=["day", "gateway", "reason", "detail"], name="refusal_count_once"),
        ]

    def __str__(self) -> str:
        return f"{self.gateway} {self.reason} {self.detail}: {self.count}"


class RecoverySMS(models.Model):
    """One of the reminders of a payment left waiting: a row of the queue and, afterwards, its record."""

    # Found by the constraint's index, which begins with it.
    payment = models.ForeignKey(
        Payment, on_delete=models.CASCADE, related_name="recovery_sms", db_index=False, verbose_name=_("payment")
    )
    number = models.PositiveSmallIntegerField(
        _("reminder"), default=1, db_default=1, help_text=_("Which of the payment's reminders it is.")
    )
    status = models.CharField(_("status"), max_length=20, choices=SMSStatus, default=SMSStatus.SCHEDULED)
    due_at = models.DateTimeField(_("due at"))
    # The text and the number that were handed to the provider, which it is asked about after a crash.
    phone = models.CharField(_("phone"), max_length=20, blank=True)
    body = models.TextField(_("text"), blank=True)
    segments = models.PositiveSmallIntegerField(
        _("segments"), default=0, db_default=0, help_text=_("SMS that the text is paid for as.")
    )
    provider = models.CharField(_("provider"), max_length=20, blank=True)
    provider_id = models.CharField(_("provider's id"), max_length=100, blank=True)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    # Names the attempt that may write its outcome; a worker that comes back late must not overwrite a newer one's.
    attempt_token = models.UUIDField(_("attempt"), null=True, blank=True)
    dispatched_at = models.DateTimeField(_("handed over at"), null=True, blank=True)
    claimed_at = models.DateTimeField(_("claimed at"), null=True, blank=True)
    sent_at = models.DateTimeField(_("sent at"), null=True, blank=True)
    # What the provider reports after it took the SMS; a report may come before the worker has noted that it did.
    delivery_status = models.CharField(
        _("delivery"), max_length=20, choices=DeliveryStatus, blank=True, default="", db_default=""
    )
    delivery_code = models.CharField(_("delivery code"), max_length=20, blank=True, default="", db_default="")
    delivery_at = models.DateTimeField(_("delivery told at"), null=True, blank=True)
    error = models.TextField(_("error"), blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    updated_at = models.DateTimeField(_("changed at"), auto_now=True)

    class Meta:
        ordering = ["-pk"]
        verbose_name = _("recovery SMS")
        verbose_name_plural = _("recovery SMS")
        constraints = [
            models.UniqueConstraint(fields=["payment", "number"], name="recovery_sms_number"),
            models.UniqueConstraint(
                fields=["provider", "provider_id"], name="recovery_sms_provider_id", condition=~Q(provider_id="")
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], name="recovery_sms_due", condition=Q(status=SMSStatus.SCHEDULED)),
            models.Index(fields=["claimed_at"], name="recovery_sms_sending", condition=Q(status=SMSStatus.SENDING)),
            models.Index(fields=["phone", "claimed_at"], name="recovery_sms_phone"),
            models.Index(fields=["created_at"], name="recovery_sms_created"),
            models.Index(fields=["sent_at"], name="recovery_sms_sent", condition=Q(sent_at__isnull=False)),
            models.Index(fields=["updated_at"], name="recovery_sms_trouble", condition=Q(status__in=IN_TROUBLE)),
        ]

    def __str__(self) -> str:
        return f"SMS {self.pk}: {mask(self.phone or self.payment.customer_phone)} ({self.get_status_display()})"


class DailyBudget(models.Model):
    """How many SMS went out in one day, where `SMS_PER_DAY` limits them."""

    day = models.DateField(_("day"), primary_key=True)
    spent = models.PositiveIntegerField(_("spent"), default=0)
    exhausted_at = models.DateTimeField(_("exhausted at"), null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.day}: {self.spent} SMS"


class OptOut(models.Model):
    """A number that wants no SMS any more."""

    phone = models.CharField(
        _("phone"), max_length=20, unique=True, help_text=_("With country and area code: +5511999887766.")
    )
    source = models.CharField(
        _("source"), max_length=20, choices=OptOutSource, default=OptOutSource.OPERATOR, editable=False
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        ordering = ["-pk"]
        verbose_name = _("opt-out")
        verbose_name_plural = _("opt-outs")

    def __str__(self) -> str:
        return mask(self.phone)

    def clean(self) -> None:
        """Bring the number into E.164; refuse what is none."""
        self.phone = to_e164(self.phone) or self.phone
        if not to_e164(self.phone):
            raise ValidationError({"phone": gettext("This is no phone number.")})


class Alarm(models.Model):
    """Something that somebody has to see to, from when it was first noticed until it is over."""

    name = models.CharField(_("alarm"), max_length=100, help_text=_("What it is about, and of which gateway."))
    text = models.TextField(_("text"))
    raised_at = models.DateTimeField(_("since"), default=timezone.now)
    # Of the last message that reached somebody: the next one waits for the cool-down.
    told_at = models.DateTimeField(_("told at"), null=True, blank=True)
    ended_at = models.DateTimeField(_("until"), null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        verbose_name = _("alarm")
        verbose_name_plural = _("alarms")
        constraints = [
            models.UniqueConstraint(fields=["name"], name="alarm_once", condition=Q(ended_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return self.name


class Erasure(models.Model):
    """That a person was forgotten: who asked, who did it, and how much there was. Never whom."""

    kind = models.CharField(_("known by"), max_length=10, choices=PersonKey)
    # Enough to answer the same person's question later, given the number again; useless without SECRET_KEY.
    digest = models.CharField(_("digest"), max_length=64, editable=False)
    requested_by = models.CharField(
        _("asked for by"), max_length=200, help_text=_("Who asked and how: “the person, e-mail of 3 May”.")
    )
    done_by = models.CharField(_("done by"), max_length=200)
    payments = models.PositiveIntegerField(_("payments"), default=0)
    deliveries = models.PositiveIntegerField(_("deliveries"), default=0)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        ordering = ["-pk"]
        verbose_name = _("erasure")
        verbose_name_plural = _("erasures")

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.digest[:12]}"
