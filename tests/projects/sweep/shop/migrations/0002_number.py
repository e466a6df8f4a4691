import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial"), ("library", "0004_once")]
    operations = [
        migrations.AddField("order", "number", models.CharField(db_index=True, default="", max_length=20)),
        migrations.AddField(
            "order",
            "signed_by",
            models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, to="library.author"),
        ),
    ]
