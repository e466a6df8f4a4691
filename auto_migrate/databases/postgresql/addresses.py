"""Where PostgreSQL is and who connects, also where a service file or the environment says it and not the settings."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from auto_migrate.databases.address import Address

# The names of libpq for what Django calls by other names, and the variables that stand in for them.
NAMES = {"host": "HOST", "port": "PORT", "user": "USER", "dbname": "NAME"}
VARIABLES = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "dbname": "PGDATABASE"}


def address_of(connection: BaseDatabaseWrapper) -> Address:
    """Return where a connection leads: as it is, where it is open, else as libpq would read the settings."""
    known = _connected(connection) or _configured(connection.settings_dict)
    host = known["host"] or "localhost"
    port = f":{known['port']}" if known["port"] else ""
    return Address(connection.alias, f"{host}{port}", known["user"], known["dbname"])


def _connected(connection: BaseDatabaseWrapper) -> dict[str, str]:
    """Return what the driver knows of an open connection, where the settings leave anything out."""
    settings = connection.settings_dict
    if all(settings.get(name) for name in ("HOST", "USER", "NAME")):
        return {}
    try:
        info = connection.connection.info
        return {name: str(getattr(info, name) or "") for name in NAMES}
    except Exception:  # noqa: BLE001 # not open, or of a driver that does not tell
        return {}


def _configured(settings: Mapping[str, Any]) -> dict[str, str]:
    options = settings.get("OPTIONS") or {}
    service = service_settings(str(options.get("service") or os.environ.get("PGSERVICE", "")))
    return {
        name: str(
            settings.get(NAMES[name]) or options.get(name) or service.get(name) or os.environ.get(VARIABLES[name], "")
        )
        for name in NAMES
    }


def service_settings(service: str) -> Mapping[str, str]:
    """Return what the first service file that knows a service says of it (PostgreSQL's manual, libpq-pgservice)."""
    if not service:
        return {}
    own = os.environ.get("PGSERVICEFILE") or str(Path.home() / ".pg_service.conf")
    system = os.path.join(os.environ.get("PGSYSCONFDIR", "/etc/postgresql-common"), "pg_service.conf")
    # Few have such a file, and importing it takes as long as a round trip.
    import configparser

    for path in (own, system):
        parser = configparser.RawConfigParser(strict=False, delimiters=("=",), comment_prefixes=("#",))
        try:
            parser.read(path, encoding="utf-8")
        except (configparser.Error, OSError, UnicodeDecodeError):
            continue
        if parser.has_section(service):
            return dict(parser.items(service))
    return {}
