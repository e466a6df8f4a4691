from django.db import migrations


class Migration(migrations.Migration):
    operations = [
        migrations.RunSQL("CREATE TYPE hazard_status AS ENUM ('new', 'paid')", "DROP TYPE hazard_status"),
    ]
