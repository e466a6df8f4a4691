from auto_migrate import repeatable
from django.db import migrations

BATCH = """
    UPDATE safe_order SET total = 0
    WHERE id IN (SELECT id FROM safe_order WHERE total IS NULL ORDER BY id LIMIT 1000 FOR UPDATE SKIP LOCKED)
"""


def fill(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(BATCH)
        while cursor.rowcount:
            cursor.execute(BATCH)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("safe", "0001_initial")]
    operations = [repeatable(migrations.RunPython(fill, migrations.RunPython.noop))]
