"""Sets the environment before Django's settings are read: a pytest plugin, loaded with `-p`.

Only names and ports are set here; the servers behind them start when a test first needs them.
"""

from __future__ import annotations

import os

from tests.drivers import prelude
from tests.manage import SECRET_KEY
from tests.servers import PostgreSQL, Redis, free_port

# Long before they start it is known where; a port that somebody takes meanwhile is tried again (tests/retries.py).
POSTGRESQL = PostgreSQL(port=free_port())
REDIS = Redis(port=free_port())

# What the tests run under, whatever the shell that started them had set.
ENVIRONMENT = {
    "DATABASE_URL": POSTGRESQL.url(),
    "REDIS_URL": REDIS.url(),
    "SECRET_KEY": SECRET_KEY,
    "DEBUG": "false",
    "ALLOWED_HOSTS": "localhost,127.0.0.1,testserver",
    "LANGUAGE_CODE": "en",
    "DJANGO_SETTINGS_MODULE": "sms_sender.settings",
}

for name in [name for name in os.environ if name.startswith("AUTO_MIGRATE_")]:
    del os.environ[name]
os.environ.update(ENVIRONMENT)
exec(prelude(), {})  # as every interpreter does that is started here
