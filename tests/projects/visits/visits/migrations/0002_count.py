from django.db import migrations
from django.db.models import F


def count(apps, editor):
    counters = apps.get_model("visits", "Counter").objects.using(editor.connection.alias)
    counters.get_or_create(name="runs")
    counters.filter(name="runs").update(count=F("count") + 1)


class Migration(migrations.Migration):
    dependencies = [("visits", "0001_initial")]
    operations = [migrations.RunPython(count, migrations.RunPython.noop)]
