"""A shop under traffic; the environment says by what means it is migrated.

`STOCK=true` leaves out auto_migrate, and so leaves Django's `migrate`; `ENGINE` names another database backend.
"""

from __future__ import annotations

import os

from tests.projects.base_settings import *  # noqa: F403
from tests.projects.base_settings import DATABASES

INSTALLED_APPS = [*([] if os.environ.get("STOCK") == "true" else ["auto_migrate"]), "tests.projects.locks.shop"]
DATABASES["default"]["ENGINE"] = os.environ.get("ENGINE") or DATABASES["default"]["ENGINE"]
DATABASES["default"]["CONN_MAX_AGE"] = 600
ZERO_DOWNTIME_MIGRATIONS_RAISE_FOR_UNSAFE = True
ZERO_DOWNTIME_MIGRATIONS_LOCK_TIMEOUT = "2s"
ZERO_DOWNTIME_MIGRATIONS_STATEMENT_TIMEOUT = "2s"
ZERO_DOWNTIME_MIGRATIONS_FLEXIBLE_STATEMENT_TIMEOUT = True
