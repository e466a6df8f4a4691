from django.contrib.postgres.fields import DateRangeField
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    operations = [
        migrations.CreateModel(
            "Booking", [("id", models.BigAutoField(primary_key=True)), ("during", DateRangeField())]
        ),
    ]
