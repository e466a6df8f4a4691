from django.db import migrations


def number(apps, editor):
    orders = apps.get_model("safe", "Order").objects.using(editor.connection.alias).filter(id__lt=1000)
    orders.filter(id__in=list(orders.select_for_update().values_list("id", flat=True))).update(quantity=1)


class Migration(migrations.Migration):
    dependencies = [("safe", "0001_initial")]
    operations = [
        migrations.RunPython(number, migrations.RunPython.noop),
    ]
