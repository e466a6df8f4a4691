from django.db import migrations

from auto_migrate import repeatable


def delete_in_batches(apps, schema_editor):
    Order = apps.get_model("safe", "Order")
    rows = Order.objects.using(schema_editor.connection.alias)
    while keys := list(rows.filter(note="").values_list("pk", flat=True)[:1000]):
        rows.filter(pk__in=keys).delete()


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("safe", "0001_initial")]
    operations = [
        repeatable(migrations.RunPython(delete_in_batches, migrations.RunPython.noop)),
    ]
