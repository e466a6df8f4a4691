from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("safe", "0001_initial")]
    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.AlterField("order", "note", models.CharField(max_length=50, null=True))],
            state_operations=[migrations.RemoveField("order", "note")],
        ),
    ]
