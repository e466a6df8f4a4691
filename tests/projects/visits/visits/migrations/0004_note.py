from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("visits", "0003_hold")]
    operations = [
        migrations.AddField("Counter", "note", models.CharField(max_length=20, default="")),
    ]
