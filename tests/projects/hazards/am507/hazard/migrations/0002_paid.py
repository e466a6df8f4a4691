from django.db import migrations

BLOCK = """
DO $$
BEGIN
    EXECUTE format('ALTER TABLE %I ADD COLUMN %I integer', 'hazard_order', 'paid');
END
$$
"""


class Migration(migrations.Migration):
    dependencies = [("hazard", "0001_initial")]
    operations = [migrations.RunSQL(BLOCK, migrations.RunSQL.noop)]
