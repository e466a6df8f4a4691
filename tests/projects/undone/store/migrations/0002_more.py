import django.db.models.deletion
from django.conf import settings
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

from auto_migrate import repeatable

INDEX = models.Index(fields=["n", "a"], name="store_item_n_a")
ON_POSTGRESQL = "postgresql" in settings.DATABASES["default"]["ENGINE"]


def add(apps, schema_editor):
    apps.get_model("store", "Item").objects.update(n=models.F("n") + 10)


def subtract(apps, schema_editor):
    apps.get_model("store", "Item").objects.update(n=models.F("n") - 10)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("store", "0001_initial")]
    operations = [
        migrations.AddField("item", "a", models.IntegerField(null=True)),
        migrations.RunPython(add, subtract, atomic=True),
        migrations.AddField(
            "item", "b", models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, to="store.item")
        ),
        repeatable(migrations.RunSQL("UPDATE store_item SET a = 1", "UPDATE store_item SET a = NULL")),
        AddIndexConcurrently("item", INDEX) if ON_POSTGRESQL else migrations.AddIndex("item", INDEX),
    ]
