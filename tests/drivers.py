"""How Django reaches PostgreSQL in the tests, where it is not as it would by itself: `TESTS_DRIVER` says.

psycopg2             by psycopg 2; tests themselves ask by psycopg 3
pool                 by psycopg 3, with connections out of a pool
server_side_binding  by psycopg 3, with parameters that the server puts in
"""

from __future__ import annotations

import os

OLD = """
import sys
newer = {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] == "psycopg"}
sys.modules["psycopg"] = None
import django.db.backends.postgresql.base
import django.db.backends.postgresql.psycopg_any
del sys.modules["psycopg"]
sys.modules.update(newer)
"""
WITH_OPTION = """
import django.db.utils
def configured(self, databases, configure=django.db.utils.ConnectionHandler.configure_settings):
    databases = configure(self, databases)
    for settings in databases.values():
        if settings["ENGINE"] == "django.db.backends.postgresql":
            settings.update(OPTIONS={{**settings["OPTIONS"], "{option}": True}}, CONN_MAX_AGE=0)
    return databases
django.db.utils.ConnectionHandler.configure_settings = configured
"""
PRELUDES = {
    "": "",
    "psycopg2": OLD,
    "pool": WITH_OPTION.format(option="pool"),
    "server_side_binding": WITH_OPTION.format(option="server_side_binding"),
}


def prelude() -> str:
    """Return what an interpreter has to do before anything else; raise `ValueError` for a driver that is none."""
    driver = os.environ.get("TESTS_DRIVER", "")
    if driver not in PRELUDES:
        raise ValueError(f"TESTS_DRIVER knows no {driver}; it takes one of: {', '.join(filter(None, PRELUDES))}.")
    return PRELUDES[driver]
