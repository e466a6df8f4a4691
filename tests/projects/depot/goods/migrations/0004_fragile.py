import os

from django.db import migrations, models


def check(apps, schema_editor):
    """Fail where the environment says so."""
    if os.environ.get("FAIL") == "python":
        apps.get_model("goods", "Crate").objects.using(schema_editor.connection.alias).count()
        raise ValueError("no room for 3 crates")


class Migration(migrations.Migration):
    dependencies = [("goods", "0003_weight")]
    operations = [
        migrations.AddField("crate", "fragile", models.BooleanField(db_default=False, default=False)),
        migrations.RunPython(check, migrations.RunPython.noop),
        *([migrations.RunSQL("INSERT INTO goods_missing VALUES (1)")] if os.environ.get("FAIL") == "sql" else []),
    ]
