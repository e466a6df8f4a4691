"""What operators are shown: personal data masked in lists, a delivery's payload only where it alone is asked for."""

from __future__ import annotations

import math
from typing import Any

from rest_framework import serializers

from webhooks import deliveries, masking, opt_outs
from webhooks.api.permissions import may
from webhooks.models import OptOut, Payment, RecoverySMS, RefusalCount, WebhookEvent
from webhooks.phones import mask, to_e164
from webhooks.states import OptOutSource


def _finite(literal: str) -> float | str:
    value = float(literal)
    return value if math.isfinite(value) else literal


class PaymentSerializer(serializers.ModelSerializer[Payment]):
    """A payment, as far as it helps to understand an SMS or an event."""

    customer_phone = serializers.SerializerMethodField()

    class Meta:
        model = Payment
        fields = [
            "gateway",
            "gateway_id",
            "external_id",
            "status",
            "method",
            "amount",
            "customer_phone",
            "sms_obstacle",
            "expires_at",
        ]

    def get_customer_phone(self, payment: Payment) -> str:
        """Return the number with its middle hidden."""
        return mask(payment.customer_phone)


class EventSerializer(serializers.ModelSerializer[WebhookEvent]):
    """A delivery, without what it said."""

    payment = PaymentSerializer(read_only=True)

    class Meta:
        model = WebhookEvent
        fields = [
            "id", "gateway", "status", "note", "deliveries", "received_at", "last_received_at", "processed_at",
            "payment",
        ]  # fmt: skip


class EventDetailSerializer(EventSerializer):
    """A delivery with its payload."""

    payload = serializers.SerializerMethodField()

    class Meta(EventSerializer.Meta):
        fields = [*EventSerializer.Meta.fields, "payload"]

    def get_payload(self, event: WebhookEvent) -> dict[str, Any]:
        """Return the payload as an object.

        A number that is too large for JSON's readers (`1e400`) is given as the text that was delivered, and so is all
        of a payload that an earlier release took and this one would refuse. It is empty where it was stripped. Whoever
        may only read sees no personal data in it.
        """
        payload: dict[str, Any]
        try:
            payload = deliveries.loads(event.payload, parse_float=_finite)
        except deliveries.NotJSON:
            payload = event.payload  # type: ignore[assignment] # nothing of today's, so not worth a word in the schema
        is_trusted = may(self.context["request"]._request, "webhooks.change_webhookevent")
        return payload if is_trusted else masking.payload(payload)


class SMSSerializer(serializers.ModelSerializer[RecoverySMS]):
    """A recovery SMS, without its text."""

    payment = PaymentSerializer(read_only=True)

    class Meta:
        model = RecoverySMS
        fields = [
            "id", "number", "status", "due_at", "attempts", "segments", "claimed_at", "sent_at", "provider",
            "provider_id", "delivery_status", "delivery_code", "delivery_at", "error", "created_at", "payment",
        ]  # fmt: skip


class SMSDetailSerializer(SMSSerializer):
    """A recovery SMS with its text."""

    class Meta(SMSSerializer.Meta):
        fields = [*SMSSerializer.Meta.fields, "body"]


class ProcessedAgainSerializer(serializers.Serializer[dict[str, int]]):
    """What came of processing dead letters again."""

    processed = serializers.IntegerField()
    tried = serializers.IntegerField()
    left = serializers.IntegerField()


class OptOutSerializer(serializers.ModelSerializer[OptOut]):
    """A number that wants no SMS; the one thing that is to be read is the number."""

    class Meta:
        model = OptOut
        fields = ["phone", "source", "created_at"]
        read_only_fields = ["source"]
        # Entering a number again is no mistake.
        extra_kwargs: dict[str, dict[str, Any]] = {"phone": {"validators": []}}

    def validate_phone(self, value: str) -> str:
        """Bring the number into E.164; refuse what is none."""
        if not (phone := to_e164(value)):
            raise serializers.ValidationError("This is no phone number.")
        return phone

    def create(self, validated_data: dict[str, Any]) -> OptOut:
        """Remember it once."""
        opt_outs.add(validated_data["phone"], OptOutSource.OPERATOR)
        return OptOut.objects.get(phone=validated_data["phone"])


class RefusalSerializer(serializers.ModelSerializer[RefusalCount]):
    """How often deliveries were refused for one reason on one day."""

    class Meta:
        model = RefusalCount
        fields = ["id", "day", "gateway", "reason", "detail", "count", "last_at", "seen_at"]
