"""What is kept: payments, the deliveries that told of them, and the SMS that came of it.

A release runs beside the one before it while it is deployed, so columns are added with a database default or NULL and
removed one release after the code stopped using them.
"""

from __future__ import annotations

from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone

from webhooks import gateways
from webhooks.phones import mask, to_e164
from webhooks.states import (
    UNSETTLED,
    DeliveryStatus,
    EventStatus,
    OptOutSource,
    PaymentMethod,
    PaymentStatus,
    Refusal,
    SMSStatus,
)


class Payment(models.Model):
    """A payment as its gateway last told of it; known by gateway and the gateway's id."""

    gateway = models.CharField(max_length=20, choices=gateways.choices)
    gateway_id = models.CharField(max_length=200)
    external_id = models.CharField(max_length=200, blank=True)
    status = models.CharField(max_length=20, choices=PaymentStatus)
    # When the gateway says that the status was taken; NULL where it does not say.
    status_at = models.DateTimeField(null=True, blank=True)
    # When the gateway says that the payment was made out; NULL where it does not say.
    issued_at = models.DateTimeField(null=True, blank=True)
    method = models.CharField(max_length=20, choices=PaymentMethod)
    amount = models.PositiveBigIntegerField(help_text="Centavos.")
    customer_name = models.CharField(max_length=200, blank=True)
    customer_phone = models.CharField(max_length=20, blank=True, help_text="E.164; empty if it is no phone number.")
    customer_email = models.CharField(max_length=254, blank=True)
    sms_obstacle = models.CharField(
        max_length=200, blank=True, default="", db_default="", help_text="Why it gets no SMS, whatever its status."
    )
    pix_code = models.TextField(blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    paid_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [models.UniqueConstraint(fields=["gateway", "gateway_id"], name="payment_gateway_id")]
        indexes = [
            models.Index(fields=["customer_phone"], name="payment_phone"),
            models.Index(fields=["gateway", "external_id"], name="payment_order"),
        ]

    def __str__(self) -> str:
        return f"{self.gateway} {self.gateway_id} ({self.status})"

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

    gateway = models.CharField(max_length=20, choices=gateways.choices)
    digest = models.CharField(max_length=64, help_text="SHA-256 of the canonical JSON.")
    # Text, not jsonb: PostgreSQL's jsonb refuses some valid JSON (a \u0000 in a name) and would lose the delivery.
    payload = models.TextField()
    status = models.CharField(max_length=20, choices=EventStatus, default=EventStatus.RECEIVED)
    note = models.TextField(blank=True, help_text="Why it was not acted upon.")
    payment = models.ForeignKey(Payment, null=True, blank=True, on_delete=models.SET_NULL, related_name="events")
    deliveries = models.PositiveIntegerField(default=1)
    received_at = models.DateTimeField(default=timezone.now)
    last_received_at = models.DateTimeField(default=timezone.now)
    # Of a failed one, when it was last tried.
    processed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [models.UniqueConstraint(fields=["gateway", "digest"], name="webhook_event_once")]
        indexes = [
            models.Index(fields=["received_at"], name="webhook_event_left", condition=Q(status__in=UNSETTLED)),
        ]

    def __str__(self) -> str:
        return f"{self.gateway} {self.digest[:12]} ({self.status})"


class RefusalCount(models.Model):
    """How often deliveries of a gateway were refused for one reason on one day (UTC)."""

    gateway = models.CharField(max_length=20, choices=gateways.choices)
    reason = models.CharField(max_length=20, choices=Refusal)
    detail = models.CharField(max_length=100, blank=True, help_text="The unknown word.")
    day = models.DateField()
    count = models.PositiveBigIntegerField(default=0)
    last_at = models.DateTimeField()
    # An operator has seen to it: no alarm for what came before.
    seen_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-last_at"]
        constraints = [
            models.UniqueConstraint(fields=["day", "gateway", "reason", "detail"], name="refusal_count_once"),
        ]

    def __str__(self) -> str:
        return f"{self.gateway} {self.reason} {self.detail}: {self.count}"


class RecoverySMS(models.Model):
    """The one SMS that a payment left waiting gets; a row of the queue and, afterwards, its record."""

    payment = models.OneToOneField(Payment, on_delete=models.CASCADE, related_name="recovery_sms")
    status = models.CharField(max_length=20, choices=SMSStatus, default=SMSStatus.SCHEDULED)
    due_at = models.DateTimeField()
    # The text and the number that were handed to the provider, which it is asked about after a crash.
    phone = models.CharField(max_length=20, blank=True)
    body = models.TextField(blank=True)
    segments = models.PositiveSmallIntegerField(default=0, db_default=0, help_text="SMS that the text is paid for as.")
    provider = models.CharField(max_length=20, blank=True)
    provider_id = models.CharField(max_length=100, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    # Names the attempt that may write its outcome; a worker that comes back late must not overwrite a newer one's.
    attempt_token = models.UUIDField(null=True, blank=True)
    dispatched_at = models.DateTimeField(null=True, blank=True)
    claimed_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    # What the provider reports after it took the SMS; a report may come before the worker has noted that it did.
    delivery_status = models.CharField(max_length=20, choices=DeliveryStatus, blank=True, default="", db_default="")
    delivery_code = models.CharField(max_length=20, blank=True, default="", db_default="")
    delivery_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-pk"]
        verbose_name = "recovery SMS"
        verbose_name_plural = "recovery SMS"
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "provider_id"], name="recovery_sms_provider_id", condition=~Q(provider_id="")
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], name="recovery_sms_due", condition=Q(status=SMSStatus.SCHEDULED)),
            models.Index(fields=["claimed_at"], name="recovery_sms_sending", condition=Q(status=SMSStatus.SENDING)),
            models.Index(fields=["phone", "claimed_at"], name="recovery_sms_phone"),
        ]

    def __str__(self) -> str:
        return f"SMS {self.pk} to {mask(self.phone or self.payment.customer_phone)} ({self.status})"


class DailyBudget(models.Model):
    """How many SMS went out in one day, where `SMS_PER_DAY` limits them."""

    day = models.DateField(primary_key=True)
    spent = models.PositiveIntegerField(default=0)
    exhausted_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.day}: {self.spent} SMS"


class OptOut(models.Model):
    """A number that wants no SMS any more."""

    phone = models.CharField(max_length=20, unique=True, help_text="With country and area code: +5511999887766.")
    source = models.CharField(max_length=20, choices=OptOutSource, default=OptOutSource.OPERATOR, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]
        verbose_name = "opt-out"

    def __str__(self) -> str:
        return mask(self.phone)

    def clean(self) -> None:
        """Bring the number into E.164; refuse what is none."""
        self.phone = to_e164(self.phone) or self.phone
        if not to_e164(self.phone):
            raise ValidationError({"phone": "This is no phone number."})
