from django.db import migrations, models

from tests.projects.odd.odd.operations import AddOwnField, see


class Migration(migrations.Migration):
    dependencies = [("odd", "0002_data")]
    operations = [
        AddOwnField("Author", "age", models.IntegerField(null=True)),
        migrations.RunPython(see, migrations.RunPython.noop),
    ]
