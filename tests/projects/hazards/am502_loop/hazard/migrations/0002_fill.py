from django.db import migrations


def fill(apps, schema_editor):
    Order = apps.get_model("hazard", "Order")
    rows = Order.objects.using(schema_editor.connection.alias)
    for order in rows.filter(total=None).iterator():
        order.total = 0
        order.save()


class Migration(migrations.Migration):
    dependencies = [("hazard", "0001_initial")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
