from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("safe", "0001_initial")]
    operations = [
        migrations.AddField(
            "order",
            "customer",
            models.ForeignKey("safe.customer", models.CASCADE, null=True, db_index=False, db_constraint=False),
        ),
    ]
