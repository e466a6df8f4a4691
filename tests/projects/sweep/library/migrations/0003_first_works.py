from django.db import migrations, models


def write(apps, schema_editor):
    # With numbers of their own: a sequence does not take back what a cut transaction drew from it.
    author = apps.get_model("library", "Author").objects.create(pk=1, name="Machado de Assis")
    for number, title in enumerate(("Helena", "Quincas Borba"), start=1):
        apps.get_model("library", "Book").objects.create(pk=number, author=author, title=title)


def count(apps, schema_editor):
    # Carried out twice, it shows.
    apps.get_model("library", "Author").objects.update(works=models.F("works") + 2)


class Migration(migrations.Migration):
    dependencies = [("library", "0001_squashed_0002_book")]
    operations = [migrations.RunPython(write), migrations.RunPython(count)]
