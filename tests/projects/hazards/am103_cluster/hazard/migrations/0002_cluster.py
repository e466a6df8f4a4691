from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("hazard", "0001_initial")]
    operations = [
        migrations.RunSQL("CLUSTER hazard_order USING hazard_order_pkey", migrations.RunSQL.noop),
    ]
