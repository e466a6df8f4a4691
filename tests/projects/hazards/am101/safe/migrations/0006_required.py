from django.contrib.postgres.functions import RandomUUID
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("safe", "0005_validate")]
    operations = [
        migrations.AlterField("order", "token", models.UUIDField(db_default=RandomUUID())),
           migrations.RemoveConstraint("order", "token_there"),
    ]
