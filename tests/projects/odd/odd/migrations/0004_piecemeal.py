import os

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

from tests.projects.odd.odd.operations import see


AddIndex = migrations.AddIndex if os.environ["DATABASE_URL"].startswith("sqlite") else AddIndexConcurrently


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("odd", "0003_own_operation")]
    operations = [
        migrations.AlterField("Author", "age", models.IntegerField("Age", null=True, help_text="In years.")),
        migrations.AddField("Book", "pages", models.IntegerField(default=1)),
        AddIndex("Book", models.Index(fields=["pages"], name="odd_pages")),
        migrations.RunPython(see, migrations.RunPython.noop, atomic=True),
    ]
