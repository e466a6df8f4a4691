"""The running release may write as anybody; nobody else does when it is gone."""

from django.db import migrations

from tests.hazards import customers_and_orders, migration

BEFORE = [
    *customers_and_orders(),
    migrations.RunSQL("GRANT INSERT ON shop_order TO PUBLIC", migrations.RunSQL.noop),
]

REVOKE = migrations.RunSQL("REVOKE INSERT ON shop_order FROM PUBLIC", migrations.RunSQL.noop)
HAZARD = [migration(REVOKE)]

SAFE = [migration(REVOKE, phase="post_deploy")]
