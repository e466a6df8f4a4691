from django.contrib.postgres.functions import RandomUUID
from django.db import migrations


def fill(apps, editor):
    rows = apps.get_model("safe", "Order").objects.using(editor.connection.alias)
    while ids := list(rows.filter(token=None).values_list("id", flat=True)[:1000]):
        rows.filter(id__in=ids).update(token=RandomUUID())


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("safe", "0002_token")]
    operations = [
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
