from django.db import migrations


class Migration(migrations.Migration):
    initial = True
    operations = [
        migrations.RunSQL("CREATE TABLE safe_event (id bigint, year int) PARTITION BY LIST (year)"),
        migrations.RunSQL("CREATE TABLE safe_event_2025 PARTITION OF safe_event FOR VALUES IN (2025)"),
    ]
