from __future__ import annotations

from django.db import migrations

SWAP = """
    ALTER TABLE shop_order RENAME note TO aside; ALTER TABLE shop_order RENAME shelf TO note;
    ALTER TABLE shop_order RENAME aside TO shelf
"""


class Migration(migrations.Migration):
    dependencies = [("shop", "0003_in_steps")]
    operations = [migrations.RunSQL(SWAP), migrations.RunSQL("ALTER TABLE shop_order ALTER place TYPE text")]
