from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import connection, migrations, models
from django.db.models import Q
from django.db.models.functions import Coalesce

# As in 0004.
AddIndex: type[migrations.AddIndex] = AddIndexConcurrently if connection.vendor == "postgresql" else migrations.AddIndex

MOMENT = Coalesce("paid_at", "status_at", "updated_at")
DEAD = Q(status__in=["failed", "rejected", "ignored"])
TROUBLE = Q(status__in=["failed", "unknown"])
SENT = Q(sent_at__isnull=False)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("webhooks", "0010_alarms_and_erasures")]

    operations = [
        AddIndex("payment", models.Index(MOMENT, name="payment_paid", condition=Q(status="paid"))),
        AddIndex("webhookevent", models.Index(fields=["gateway", "received_at"], name="webhook_event_hours")),
        AddIndex("webhookevent", models.Index(fields=["received_at"], name="webhook_event_dead", condition=DEAD)),
        AddIndex("recoverysms", models.Index(fields=["created_at"], name="recovery_sms_created")),
        AddIndex("recoverysms", models.Index(fields=["sent_at"], name="recovery_sms_sent", condition=SENT)),
        AddIndex("recoverysms", models.Index(fields=["updated_at"], name="recovery_sms_trouble", condition=TROUBLE)),
    ]
