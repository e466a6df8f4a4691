from django.db import migrations
from django.utils.translation import get_language, gettext


def label(apps, schema_editor):
    """Write what a careless migration would: a translated text."""
    crates = apps.get_model("goods", "Crate").objects.using(schema_editor.connection.alias)
    crates.create(label=gettext("Yes"))
    crates.create(label=str(get_language()))


def unlabel(apps, schema_editor):
    crates = apps.get_model("goods", "Crate").objects.using(schema_editor.connection.alias)
    crates.all().delete()
    crates.create(label=str(get_language()))


class Migration(migrations.Migration):
    dependencies = [("goods", "0001_initial")]
    operations = [migrations.RunPython(label, unlabel)]
