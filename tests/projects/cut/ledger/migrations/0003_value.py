from django.db import migrations

from auto_migrate import repeatable


def fill(apps, schema_editor):
    # Carried out again, it leaves the same.
    apps.get_model("ledger", "Entry").objects.update(value=7)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("ledger", "0002_total")]
    operations = [repeatable(migrations.RunPython(fill))]
