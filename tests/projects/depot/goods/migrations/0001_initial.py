from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            "Crate",
            [("id", models.BigAutoField(primary_key=True)), ("label", models.CharField(max_length=50))],
        ),
    ]
