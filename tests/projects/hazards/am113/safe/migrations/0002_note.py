from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("safe", "0001_initial")]
    operations = [
        migrations.CreateModel(
            "Note",
            [
                ("id", models.BigAutoField(primary_key=True)),
                ("order", models.ForeignKey("safe.order", models.CASCADE, db_constraint=False)),
            ],
        ),
    ]
