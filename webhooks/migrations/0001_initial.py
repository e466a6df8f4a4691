import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import webhooks.gateways.registry


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Payment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("gateway", models.CharField(choices=webhooks.gateways.registry.choices, max_length=20)),
                ("gateway_id", models.CharField(max_length=200)),
                ("external_id", models.CharField(blank=True, max_length=200)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("in_review", "In Review"),
                            ("authorized", "Authorized"),
                            ("refused", "Refused"),
                            ("cancelled", "Cancelled"),
                            ("paid", "Paid"),
                            ("refunded", "Refunded"),
                            ("chargeback", "Chargeback"),
                        ],
                        max_length=20,
                    ),
                ),
                ("status_at", models.DateTimeField(blank=True, null=True)),
                (
                    "method",
                    models.CharField(
                        choices=[
                            ("pix", "PIX"),
                            ("credit_card", "Credit Card"),
                            ("debit_card", "Debit Card"),
                            ("boleto", "Boleto"),
                        ],
                        max_length=20,
                    ),
                ),
                ("amount", models.PositiveBigIntegerField(help_text="Centavos.")),
                ("customer_name", models.CharField(blank=True, max_length=200)),
                (
                    "customer_phone",
                    models.CharField(blank=True, help_text="E.164; empty if it is no phone number.", max_length=20),
                ),
                ("customer_email", models.CharField(blank=True, max_length=254)),
                ("pix_code", models.TextField(blank=True)),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                ("paid_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "ordering": ["-pk"],
                "constraints": [models.UniqueConstraint(fields=("gateway", "gateway_id"), name="payment_gateway_id")],
            },
        ),
        migrations.CreateModel(
            name="RecoverySMS",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("scheduled", "Scheduled"),
                            ("sending", "Sending"),
                            ("sent", "Sent"),
                            ("failed", "Failed"),
                            ("cancelled", "Cancelled"),
                            ("unknown", "Unknown"),
                        ],
                        default="scheduled",
                        max_length=20,
                    ),
                ),
                ("due_at", models.DateTimeField()),
                ("phone", models.CharField(blank=True, max_length=20)),
                ("body", models.TextField(blank=True)),
                ("provider", models.CharField(blank=True, max_length=20)),
                ("provider_id", models.CharField(blank=True, max_length=100)),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("attempt_token", models.UUIDField(blank=True, null=True)),
                ("dispatched_at", models.DateTimeField(blank=True, null=True)),
                ("claimed_at", models.DateTimeField(blank=True, null=True)),
                ("sent_at", models.DateTimeField(blank=True, null=True)),
                ("error", models.TextField(blank=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "payment",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="recovery_sms", to="webhooks.payment"
                    ),
                ),
            ],
            options={
                "verbose_name": "recovery SMS",
                "verbose_name_plural": "recovery SMS",
                "ordering": ["-pk"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("status", "scheduled")), fields=["due_at"], name="recovery_sms_due"
                    ),
                    models.Index(
                        condition=models.Q(("status", "sending")), fields=["claimed_at"], name="recovery_sms_sending"
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("provider_id", ""), _negated=True),
                        fields=("provider", "provider_id"),
                        name="recovery_sms_provider_id",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="WebhookEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("gateway", models.CharField(choices=webhooks.gateways.registry.choices, max_length=20)),
                ("digest", models.CharField(help_text="SHA-256 of the canonical JSON.", max_length=64)),
                ("payload", models.TextField()),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("received", "Received"),
                            ("processed", "Processed"),
                            ("ignored", "Ignored"),
                            ("rejected", "Rejected"),
                            ("failed", "Failed"),
                        ],
                        default="received",
                        max_length=20,
                    ),
                ),
                ("note", models.TextField(blank=True, help_text="Why it was not acted upon.")),
                ("deliveries", models.PositiveIntegerField(default=1)),
                ("received_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("last_received_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("processed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "payment",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="events",
                        to="webhooks.payment",
                    ),
                ),
            ],
            options={
                "ordering": ["-pk"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("status__in", ["received", "failed"])),
                        fields=["received_at"],
                        name="webhook_event_left",
                    )
                ],
                "constraints": [models.UniqueConstraint(fields=("gateway", "digest"), name="webhook_event_once")],
            },
        ),
    ]
