from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("hazard", "0002_drop_note")]
    operations = [
        migrations.AddField("order", "colour", models.CharField(max_length=20, null=True)),
    ]
