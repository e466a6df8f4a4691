from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("safe", "0001_initial")]
    operations = [
        migrations.AddField("order", "code", models.CharField(max_length=20, null=True)),
    ]
