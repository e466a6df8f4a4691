from django.db import migrations, models


def count(apps, schema_editor):
    apps.get_model("tally", "Total").objects.update(value=models.F("value") + 1)


class Migration(migrations.Migration):
    dependencies = [("tally", "0001_initial")]
    operations = [migrations.RunPython(count)]
