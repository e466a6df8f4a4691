from django.db import migrations, models


class Migration(migrations.Migration):
    phase = "post_deploy"
    dependencies = [("safe", "0001_initial")]
    operations = [
        migrations.AlterField("order", "priority", models.IntegerField()),
    ]
