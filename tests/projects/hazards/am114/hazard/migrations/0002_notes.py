from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("hazard", "0001_initial")]
    operations = [
        migrations.AddField("customer", "note", models.TextField(null=True)),
        migrations.AddField("order", "note", models.TextField(null=True)),
        migrations.AddField("parcel", "note", models.TextField(null=True)),
    ]
