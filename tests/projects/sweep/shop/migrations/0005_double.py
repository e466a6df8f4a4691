from django.db import migrations, models


def double(apps, schema_editor):
    apps.get_model("shop", "Order").objects.update(amount=models.F("amount") * 2)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("shop", "0004_status")]
    operations = [migrations.RunPython(double, atomic=True)]
