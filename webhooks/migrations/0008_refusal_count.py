from django.db import migrations, models

import webhooks.gateways.registry


class Migration(migrations.Migration):
    dependencies = [
        ("webhooks", "0007_sms_delivery"),
    ]

    operations = [
        migrations.CreateModel(
            name="RefusalCount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("gateway", models.CharField(choices=webhooks.gateways.registry.choices, max_length=20)),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("bad_secret", "Bad Secret"),
                            ("bad_signature", "Bad Signature"),
                            ("stale_signature", "Stale Signature"),
                            ("bad_json", "No JSON object"),
                            ("incomplete", "Incomplete"),
                            ("too_large", "Too Large"),
                            ("unknown_word", "Unknown Word"),
                        ],
                        max_length=20,
                    ),
                ),
                ("detail", models.CharField(blank=True, help_text="The unknown word.", max_length=100)),
                ("day", models.DateField()),
                ("count", models.PositiveBigIntegerField(default=0)),
                ("last_at", models.DateTimeField()),
                ("seen_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ["-last_at"],
                "constraints": [
                    models.UniqueConstraint(fields=("day", "gateway", "reason", "detail"), name="refusal_count_once")
                ],
            },
        ),
    ]
