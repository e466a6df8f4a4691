from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("safe", "0002_customer")]
    operations = [
        migrations.AddField("order", "note", models.TextField(null=True)),
    ]
