from django.db import migrations


class Migration(migrations.Migration):
    operations = [
        migrations.RunSQL("CREATE TYPE safe_status AS ENUM ('new', 'paid')", "DROP TYPE safe_status"),
    ]
