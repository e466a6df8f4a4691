from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("safe", "0001_initial")]
    operations = [
        migrations.AlterField("order", "note", models.CharField(db_column="note", max_length=50)),
        migrations.RenameField("order", "note", "remark"),
    ]
