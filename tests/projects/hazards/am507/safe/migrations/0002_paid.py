from django.db import migrations

BLOCK = """
DO $$
BEGIN
    ALTER TABLE safe_order ADD COLUMN paid integer;
END
$$
"""


class Migration(migrations.Migration):
    dependencies = [("safe", "0001_initial")]
    operations = [migrations.RunSQL(BLOCK, migrations.RunSQL.noop)]
