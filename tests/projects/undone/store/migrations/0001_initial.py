from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    operations = [
        migrations.CreateModel(
            "Item", [("id", models.BigAutoField(primary_key=True)), ("n", models.IntegerField()), ("old", models.IntegerField(default=0))]
        ),
        migrations.RunSQL("INSERT INTO store_item (n, old) VALUES (1, 0), (2, 0)", migrations.RunSQL.noop),
    ]
