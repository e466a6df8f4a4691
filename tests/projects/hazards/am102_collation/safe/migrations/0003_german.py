from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("safe", "0002_drop")]
    operations = [
        migrations.AlterField("order", "email", models.CharField(max_length=100, db_collation="C")),
    ]
