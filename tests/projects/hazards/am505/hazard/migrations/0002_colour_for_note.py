from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("hazard", "0001_initial")]
    operations = [
        migrations.AddField("order", "colour", models.CharField(max_length=20, null=True)),
        migrations.RemoveField("order", "note"),
    ]
