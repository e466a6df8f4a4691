from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("sessions", "0002_second")]
    operations = [migrations.RunPython(migrations.RunPython.noop, migrations.RunPython.noop)]
