"""The words that payments, deliveries and SMS are described with, the same for every gateway."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class PaymentStatus(TextChoices):
    """Where a payment is."""

    WAITING = "waiting", _("Waiting")
    IN_REVIEW = "in_review", _("In Review")
    AUTHORIZED = "authorized", _("Authorized")
    REFUSED = "refused", _("Refused")
    CANCELLED = "cancelled", _("Cancelled")
    PAID = "paid", _("Paid")
    REFUNDED = "refunded", _("Refunded")
    CHARGEBACK = "chargeback", _("Chargeback")

    @property
    def rank(self) -> int:
        """Return the place in a payment's life; of two reports of one instant, the higher one is the later."""
        return list(PaymentStatus).index(self)

    @property
    def is_open(self) -> bool:
        """Return whether the customer or the gateway has still to decide."""
        return self in {PaymentStatus.WAITING, PaymentStatus.IN_REVIEW, PaymentStatus.AUTHORIZED}

    @property
    def is_held_back(self) -> bool:
        """Return whether somebody looks into it, after which the customer may be awaited again."""
        return self == PaymentStatus.IN_REVIEW

    @property
    def money_moved(self) -> bool:
        """Return whether the customer has paid, whatever became of the money afterwards."""
        return self in MONEY_MOVED


AWAITED = [PaymentStatus.WAITING, PaymentStatus.IN_REVIEW]
"""What a payment is as long as a reminder of it may be wanted."""

MONEY_MOVED = [PaymentStatus.PAID, PaymentStatus.REFUNDED, PaymentStatus.CHARGEBACK]


class PaymentMethod(TextChoices):
    """How a payment is made."""

    PIX = "pix", _("PIX")
    CREDIT_CARD = "credit_card", _("Credit Card")
    DEBIT_CARD = "debit_card", _("Debit Card")
    BOLETO = "boleto", _("Boleto")


class EventStatus(TextChoices):
    """What became of a delivery."""

    RECEIVED = "received", _("Received")
    PROCESSED = "processed", _("Processed")
    IGNORED = "ignored", _("Ignored")
    REJECTED = "rejected", _("Rejected")
    FAILED = "failed", _("Failed")

    @property
    def is_settled(self) -> bool:
        """Return whether processing the delivery again could not change anything."""
        return self in {EventStatus.PROCESSED, EventStatus.IGNORED, EventStatus.REJECTED}


UNSETTLED = [EventStatus.RECEIVED, EventStatus.FAILED]
"""What a delivery is until somebody has understood it."""

DEAD = [EventStatus.FAILED, EventStatus.REJECTED, EventStatus.IGNORED]
"""What a delivery is that was not acted upon."""


class Refusal(TextChoices):
    """Why a delivery was not kept, or kept and not understood."""

    BAD_SECRET = "bad_secret", _("Bad Secret")  # a word, no secret
    BAD_SIGNATURE = "bad_signature", _("Bad Signature")
    STALE_SIGNATURE = "stale_signature", _("Stale Signature")
    BAD_JSON = "bad_json", _("No JSON object")
    INCOMPLETE = "incomplete", _("Incomplete")
    TOO_LARGE = "too_large", _("Too Large")
    UNKNOWN_WORD = "unknown_word", _("Unknown Word")


class SMSStatus(TextChoices):
    """Where a recovery SMS is. Only a person moves one out of `unknown`: twice is worse than not at all."""

    SCHEDULED = "scheduled", _("Scheduled")
    SENDING = "sending", _("Sending")
    SENT = "sent", _("Sent")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")
    UNKNOWN = "unknown", _("Unknown")


REMINDERS = (1, 2, 3)
"""A payment's reminders, of which a shop chooses how many there are."""

GONE = [SMSStatus.SENDING, SMSStatus.SENT, SMSStatus.UNKNOWN]
"""What has reached its phone, or may have."""

IN_TROUBLE = [SMSStatus.FAILED, SMSStatus.UNKNOWN]
"""What a person has to decide about."""


class OptOutSource(TextChoices):
    """Who said that a number wants no SMS."""

    INBOUND = "inbound", _("an answer")
    PROVIDER = "provider", _("the provider")
    OPERATOR = "operator", _("an operator")


class DeliveryStatus(TextChoices):
    """What the provider says became of an SMS that it took."""

    SENT = "sent", _("Sent")
    DELIVERED = "delivered", _("Delivered")
    UNDELIVERED = "undelivered", _("Undelivered")
    FAILED = "failed", _("Failed")


class PersonKey(TextChoices):
    """What a person is known by who asks to be forgotten."""

    PHONE = "phone", _("phone")
    CPF = "cpf", _("CPF")
