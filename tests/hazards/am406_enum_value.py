"""The running release writes the value by its old name; a new one stands beside it."""

from django.db import migrations

from tests.hazards import migration

BEFORE = [migrations.RunSQL("CREATE TYPE shop_status AS ENUM ('new', 'paid')", "DROP TYPE shop_status")]

HAZARD = [
    migration(migrations.RunSQL("ALTER TYPE shop_status RENAME VALUE 'paid' TO 'settled'", migrations.RunSQL.noop))
]

SAFE = [migration(migrations.RunSQL("ALTER TYPE shop_status ADD VALUE 'settled'", migrations.RunSQL.noop))]
