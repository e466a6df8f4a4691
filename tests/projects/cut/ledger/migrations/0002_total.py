from django.db import migrations, models


def count(apps, schema_editor):
    apps.get_model("ledger", "Entry").objects.update(total=models.F("total") + 1)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("ledger", "0001_initial")]
    operations = [
        migrations.AddField("entry", "total", models.IntegerField(default=0)),
        migrations.RunPython(count),
    ]
