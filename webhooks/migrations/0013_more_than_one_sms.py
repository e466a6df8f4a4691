import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """Let a payment have more than one SMS, once no release runs any more that says `ON CONFLICT (payment_id)`."""

    dependencies = [("webhooks", "0012_further_reminders")]
    phase = "post_deploy"

    operations = [
        migrations.AlterField(
            model_name="recoverysms",
            name="payment",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="recovery_sms",
                to="webhooks.payment", verbose_name="payment",
            ),
        ),
    ]  # fmt: skip
