from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("hazard", "0001_initial")]
    operations = [
        migrations.AlterField("order", "number", models.CharField(max_length=20)),
    ]
