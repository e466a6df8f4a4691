from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("ledger", "0005_total_index")]
    operations = [migrations.AddField("entry", "note", models.CharField(default="", max_length=20))]
