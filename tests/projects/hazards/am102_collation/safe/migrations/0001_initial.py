from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    operations = [
        migrations.CreateModel(
            "Order",
            [("id", models.BigAutoField(primary_key=True)), ("email", models.CharField(max_length=100))],
            options={"indexes": [models.Index(fields=["email"], name="order_email")]},
        ),
    ]
