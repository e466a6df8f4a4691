from django.db import migrations, models

import auto_migrate

KEPT = "What the release before writes keeps to it: it gives a payment one SMS, and the database calls that the first."


@auto_migrate.acknowledge("AM405", reason=KEPT)
class Migration(migrations.Migration):
    dependencies = [("webhooks", "0011_panel_lookups")]
    phase = "pre_deploy"

    operations = [
        migrations.AddField(
            model_name="recoverysms",
            name="number",
            field=models.PositiveSmallIntegerField(
                db_default=1, default=1, help_text="Which of the payment's reminders it is.", verbose_name="reminder"
            ),
        ),
        migrations.AddConstraint(
            model_name="recoverysms",
            constraint=models.UniqueConstraint(fields=["payment", "number"], name="recovery_sms_number"),
        ),
    ]
