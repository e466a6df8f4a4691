from auto_migrate import repeatable
from django.db import migrations


def fill(apps, schema_editor):
    Order = apps.get_model("safe", "Order")
    rows = Order.objects.using(schema_editor.connection.alias)
    while keys := list(rows.filter(total=None).values_list("pk", flat=True)[:1000]):
        rows.filter(pk__in=keys).update(total=0)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("safe", "0001_initial")]
    operations = [repeatable(migrations.RunPython(fill, migrations.RunPython.noop))]
