from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("goods", "0002_labels")]
    operations = [migrations.AddField("crate", "weight", models.IntegerField(null=True))]
