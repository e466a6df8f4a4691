from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("safe", "0003_order")]
    operations = [
        migrations.AddField("parcel", "note", models.TextField(null=True)),
    ]
