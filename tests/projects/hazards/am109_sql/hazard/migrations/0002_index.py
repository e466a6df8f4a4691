from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("hazard", "0001_initial")]
    operations = [
        migrations.RunSQL("CREATE INDEX order_email ON hazard_order (lower(email))", "DROP INDEX order_email"),
    ]
