"""Where a project's own code ends up while its migrations are rehearsed: in the scratch database and nowhere else."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from django.db import connections

from auto_migrate.history.models import BridgeRecord
from auto_migrate.history.optional_tables import forget

# Django's engine for a database that is not configured: whoever uses it is told so.
NOWHERE = "django.db.backends.dummy"


@contextlib.contextmanager
def redirect_databases(alias: str, scratch: Mapping[str, Any]) -> Iterator[None]:
    """Let an alias, in every thread, lead to the database with the settings `scratch`, and all others nowhere.

    Python code of migrations names aliases, asks routers or simply uses the default one. Other names of the same
    database, its replicas in particular, are names of the scratch too.
    """
    handler: Any = connections
    usual, own = handler.settings, handler[alias]
    open_ones = {one.alias: one for one in (own, *handler.all(initialized_only=True))}
    known = {alias: own.settings_dict, **usual}
    handler.settings = {
        name: dict(scratch) if same(entry, known[alias], alias) else {**entry, "ENGINE": NOWHERE}
        for name, entry in known.items()
    }
    for name in open_ones:
        del handler[name]
    try:
        yield
    finally:
        for one in handler.all(initialized_only=True):
            one.close()
            del handler[one.alias]
        handler.settings = usual
        # Which the scratch had, for the bridges of the plan.
        forget(alias, BridgeRecord)
        for name, one in open_ones.items():
            handler[name] = one


def same(entry: Mapping[str, Any], usual: Mapping[str, Any], alias: str) -> bool:
    """Return whether an entry of DATABASES is another name of the alias' database."""
    place = ("ENGINE", "HOST", "PORT", "NAME")
    return entry["TEST"].get("MIRROR") == alias or all(entry[key] == usual[key] for key in place)
