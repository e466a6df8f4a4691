from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("naps", "0003_loose")]
    operations = [migrations.AddField("nap", "note", models.CharField(default="", max_length=20))]
