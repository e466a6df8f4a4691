from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("hazard", "0001_initial")]
    operations = [
        migrations.AddField("order", "rank", models.PositiveIntegerField(null=True)),
    ]
