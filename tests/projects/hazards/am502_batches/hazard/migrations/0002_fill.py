from django.db import migrations


def fill(apps, schema_editor):
    Order = apps.get_model("hazard", "Order")
    rows = Order.objects.using(schema_editor.connection.alias)
    while keys := list(rows.filter(total=None).values_list("pk", flat=True)[:1000]):
        rows.filter(pk__in=keys).update(total=0)


class Migration(migrations.Migration):
    dependencies = [("hazard", "0001_initial")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
