from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("hazard", "0001_initial")]
    operations = [
        migrations.AddIndex("order", models.Index(fields=["email"], name="order_email")),
    ]
