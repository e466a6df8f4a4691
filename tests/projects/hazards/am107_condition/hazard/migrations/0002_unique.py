from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("hazard", "0001_initial")]
    operations = [
        migrations.AddConstraint(
            "order",
            models.UniqueConstraint(fields=["email"], condition=models.Q(quantity__isnull=False), name="order_email"),
        ),
    ]
