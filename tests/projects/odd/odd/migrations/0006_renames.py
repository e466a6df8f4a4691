from django.db import migrations, models

from tests.projects.odd.odd.operations import see


class Migration(migrations.Migration):
    dependencies = [("odd", "0005_own_way")]
    operations = [
        migrations.RenameModel("Author", "Writer"),
        migrations.RenameField("Book", "author", "writer"),
        migrations.RenameField("Writer", "name", "called"),
        migrations.AlterField("Writer", "id", models.BigAutoField(primary_key=True)),
        migrations.AlterModelTable("Tag", "odd_words"),
        migrations.AlterUniqueTogether("Book", {("title", "writer")}),
        migrations.RunPython(see, migrations.RunPython.noop),
    ]
