from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("safe", "0001_initial")]
    operations = [
        migrations.RunSQL("ALTER TABLE safe_order SET (fillfactor = 90)"),
        migrations.AddField("order", "paid", models.BooleanField(null=True)),
    ]
