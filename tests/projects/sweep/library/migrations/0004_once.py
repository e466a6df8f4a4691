from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("library", "0003_first_works")]
    operations = [
        migrations.AddConstraint(
            "book", models.UniqueConstraint(fields=["author", "title"], name="library_book_once")
        ),
    ]
