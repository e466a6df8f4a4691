from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("hazard", "0001_initial")]
    operations = [
        migrations.AddField(
            "order",
            "double",
            models.GeneratedField(expression=models.F("quantity") * 2, output_field=models.IntegerField(), db_persist=True),
        ),
    ]
