from django.db import migrations


class Migration(migrations.Migration):
    replaces = [("sessions", "0001_first"), ("sessions", "0002_second")]
    dependencies = []
    operations = [migrations.RunPython(migrations.RunPython.noop, migrations.RunPython.noop)]
