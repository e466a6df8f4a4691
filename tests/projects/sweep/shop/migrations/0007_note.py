from django.db import migrations


def note(apps, schema_editor):
    order = apps.get_model("shop", "Order")
    order.objects.filter(number="").update(number="none")


class Migration(migrations.Migration):
    dependencies = [("shop", "0006_pair_index")]
    operations = [migrations.RunPython(note)]
