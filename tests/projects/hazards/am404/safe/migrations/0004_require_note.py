from django.db import migrations, models


class Migration(migrations.Migration):
    phase = "post_deploy"
    dependencies = [("safe", "0003_validate_note")]
    operations = [
        migrations.AlterField("order", "note", models.CharField(max_length=50)),
        migrations.RemoveConstraint("order", "note_given"),
    ]
