"""The words that payments, deliveries and SMS are described with, the same for every gateway."""

from __future__ import annotations

from django.db.models import TextChoices


class PaymentStatus(TextChoices):
    """Where a payment is."""

    WAITING = "waiting"
    IN_REVIEW = "in_review"
    AUTHORIZED = "authorized"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    PAID = "paid"
    REFUNDED = "refunded"
    CHARGEBACK = "chargeback"

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


MONEY_MOVED = [PaymentStatus.PAID, PaymentStatus.REFUNDED, PaymentStatus.CHARGEBACK]


class PaymentMethod(TextChoices):
    """How a payment is made."""

    PIX = "pix", "PIX"
    CREDIT_CARD = "credit_card"
    DEBIT_CARD = "debit_card"
    BOLETO = "boleto"


class EventStatus(TextChoices):
    """What became of a delivery."""

    RECEIVED = "received"
    PROCESSED = "processed"
    IGNORED = "ignored"
    REJECTED = "rejected"
    FAILED = "failed"

    @property
    def is_settled(self) -> bool:
        """Return whether processing the delivery again could not change anything."""
        return self in {EventStatus.PROCESSED, EventStatus.IGNORED, EventStatus.REJECTED}


UNSETTLED = [EventStatus.RECEIVED, EventStatus.FAILED]
"""What a delivery is until somebody has understood it."""


class Refusal(TextChoices):
    """Why a delivery was not kept, or kept and not understood."""

    BAD_SECRET = "bad_secret"  # noqa: S105 # a word, no secret
    BAD_SIGNATURE = "bad_signature"
    STALE_SIGNATURE = "stale_signature"
    BAD_JSON = "bad_json", "No JSON object"
    INCOMPLETE = "incomplete"
    TOO_LARGE = "too_large"
    UNKNOWN_WORD = "unknown_word"


class SMSStatus(TextChoices):
    """Where a recovery SMS is. Only a person moves one out of `unknown`: twice is worse than not at all."""

    SCHEDULED = "scheduled"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


GONE = [SMSStatus.SENDING, SMSStatus.SENT, SMSStatus.UNKNOWN]
"""What has reached its phone, or may have."""


class OptOutSource(TextChoices):
    """Who said that a number wants no SMS."""

    INBOUND = "inbound", "an answer"
    PROVIDER = "provider", "the provider"
    OPERATOR = "operator", "an operator"


class DeliveryStatus(TextChoices):
    """What the provider says became of an SMS that it took."""

    SENT = "sent"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    FAILED = "failed"
