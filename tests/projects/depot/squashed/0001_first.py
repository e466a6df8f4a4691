from django.db import migrations


class Migration(migrations.Migration):
    dependencies = []
    operations = [migrations.RunPython(migrations.RunPython.noop, migrations.RunPython.noop)]
