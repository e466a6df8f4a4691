from django.db import migrations


def write(apps, schema_editor):
    Author, Novel, Tag = (apps.get_model("odd", name) for name in ("Author", "Novel", "Tag"))
    author = Author.people.create(name="Machado")
    novel = Novel.objects.create(title="Helena", author=author, plot="x")
    above = Tag.objects.create(word="old")
    novel.tags.add(above.below.create(word="older"))
    assert Author.people.named("Machado").get().books.get().novel.plot == "x"
    assert Tag.objects.filter(above__book__author__name="Machado").count() == 0
    assert Tag.objects.get(book__author=author).above == above


class Migration(migrations.Migration):
    dependencies = [("odd", "0001_initial")]
    operations = [
        migrations.RunPython(write, migrations.RunPython.noop),
    ]
