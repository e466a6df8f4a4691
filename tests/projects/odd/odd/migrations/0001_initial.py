import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from tests.projects.odd.odd.operations import Mixin, People


class Migration(migrations.Migration):
    initial = True
    dependencies = [migrations.swappable_dependency(settings.AUTH_USER_MODEL)]
    operations = [
        migrations.CreateModel(
            "Author",
            [
                ("id", models.AutoField(primary_key=True)),
                ("name", models.CharField(max_length=50, unique=True)),
                ("user", models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True)),
            ],
            managers=[("people", People())],
        ),
        migrations.CreateModel(
            "Tag",
            [
                ("id", models.AutoField(primary_key=True)),
                ("word", models.CharField(max_length=30)),
                ("above", models.ForeignKey("self", models.CASCADE, null=True, related_name="below")),
            ],
        ),
        migrations.CreateModel(
            "Book",
            [
                ("id", models.AutoField(primary_key=True)),
                ("title", models.CharField(max_length=50)),
                ("author", models.ForeignKey("odd.author", models.CASCADE, related_name="books")),
                ("tags", models.ManyToManyField("odd.tag")),
            ],
            options={"indexes": [models.Index(fields=["title"], name="odd_title")]},
            bases=(Mixin, models.Model),
        ),
        migrations.CreateModel(
            "Novel",
            [
                (
                    "book_ptr",
                    models.OneToOneField(
                        "odd.book", django.db.models.deletion.CASCADE, parent_link=True, auto_created=True,
                        primary_key=True, serialize=False,
                    ),
                ),
                ("plot", models.TextField(default="")),
            ],
            bases=("odd.book",),
        ),
        migrations.CreateModel("Thriller", [], options={"proxy": True}, bases=("odd.novel",)),
        migrations.CreateModel("Note", [("id", models.AutoField(primary_key=True)), ("text", models.TextField())]),
    ]
