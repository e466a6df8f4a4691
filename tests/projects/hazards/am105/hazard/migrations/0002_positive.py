from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("hazard", "0001_initial")]
    operations = [
        migrations.AddConstraint("order", models.CheckConstraint(condition=models.Q(quantity__gte=0), name="quantity_positive")),
    ]
