from django.db import migrations, models

from tests.projects.odd.odd.operations import see


class Migration(migrations.Migration):
    dependencies = [("odd", "0006_renames")]
    operations = [
        migrations.SeparateDatabaseAndState(
            [migrations.RunSQL("ALTER TABLE odd_words ADD COLUMN size integer", migrations.RunSQL.noop)],
            [migrations.AddField("Tag", "size", models.IntegerField(null=True))],
        ),
        migrations.RunSQL(
            "ALTER TABLE odd_words ADD COLUMN shade integer",
            migrations.RunSQL.noop,
            state_operations=[migrations.AddField("Tag", "shade", models.IntegerField(null=True))],
        ),
        migrations.AlterOrderWithRespectTo("Book", "writer"),
        migrations.AddConstraint("Tag", models.CheckConstraint(condition=models.Q(size__gte=0), name="odd_size")),
        migrations.AlterField("Tag", "word", models.CharField(max_length=60, db_index=True)),
        migrations.DeleteModel("Thriller"),
        migrations.RemoveField("Writer", "age"),
        migrations.RunPython(see, migrations.RunPython.noop),
    ]
