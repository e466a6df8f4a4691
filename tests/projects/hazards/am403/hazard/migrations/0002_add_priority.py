from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("hazard", "0001_initial")]
    operations = [
        migrations.AddField("order", "priority", models.IntegerField(default=0), preserve_default=False),
    ]
