from django.db import migrations


def number(apps, editor):
    orders = apps.get_model("hazard", "Order").objects.using(editor.connection.alias)
    orders.filter(id__lt=1000).update(quantity=1)


class Migration(migrations.Migration):
    dependencies = [("hazard", "0001_initial")]
    operations = [
        migrations.RunSQL("LOCK TABLE hazard_order IN SHARE MODE", migrations.RunSQL.noop),
        migrations.RunPython(number, migrations.RunPython.noop),
    ]
