from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("sessions", "0001_first")]
    operations = [migrations.RunPython(migrations.RunPython.noop, migrations.RunPython.noop)]
