from django.db import migrations, models


def fill(apps, editor):
    rows = apps.get_model("safe", "Order").objects.using(editor.connection.alias)
    while ids := list(rows.filter(quantity_new=None, quantity__isnull=False).values_list("id", flat=True)[:1000]):
        rows.filter(id__in=ids).update(quantity_new=models.F("quantity"))


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("safe", "0002_new")]
    operations = [
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
