from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("hazard", "0001_initial")]
    operations = [
        migrations.RunSQL("ALTER TABLE hazard_order SET (fillfactor = 90); COMMIT"),
        migrations.AddField("order", "paid", models.BooleanField(null=True)),
    ]
