"""Detaching a partition locks the whole table; CONCURRENTLY, it does not."""

from django.db import migrations

from tests.hazards import migration

ENDS_ELSEWHERE = "What is detached concurrently keeps a CHECK of what it was for."

BEFORE = [
    migrations.RunSQL("CREATE TABLE shop_event (id bigint, year int) PARTITION BY LIST (year)"),
    migrations.RunSQL("CREATE TABLE shop_event_2025 PARTITION OF shop_event FOR VALUES IN (2025)"),
]

HAZARD = [
    migration(migrations.RunSQL("ALTER TABLE shop_event DETACH PARTITION shop_event_2025", migrations.RunSQL.noop))
]

SAFE = [
    migration(
        migrations.RunSQL(
            "ALTER TABLE shop_event DETACH PARTITION shop_event_2025 CONCURRENTLY", migrations.RunSQL.noop
        ),
        atomic=False,
    )
]
