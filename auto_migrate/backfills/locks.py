"""The lock that the worker of a backfill holds, beside any run's deploy lock."""

from __future__ import annotations

import hashlib

from auto_migrate.active_schema import active_schema
from auto_migrate.conf import get_settings
from auto_migrate.databases.base import Database, DeployLock, NoLock
from auto_migrate.values import BackfillKey


def worker_lock(database: Database, key: BackfillKey, worker: str) -> DeployLock:
    """Return the lock of one backfill in the schema that this thread works in, to be held under the name `worker`."""
    schema = active_schema()
    named = f"auto_migrate backfill {key}{f' of {schema}' if schema else ''}"
    digest = hashlib.blake2b(named.encode(), digest_size=8)
    if get_settings().LOCK == "none":
        return NoLock()
    if database.vendor == "postgresql":
        from auto_migrate.databases.postgresql.deploy_lock import AdvisoryLock
        from auto_migrate.databases.postgresql.sessions import SessionLock

        number = int.from_bytes(digest.digest(), signed=True)
        # Each of a thousand schemas with a connection of its own for this would cost more than its rows.
        is_alone = bool(schema) and not database.pooled
        return SessionLock(database, number) if is_alone else AdvisoryLock(database, worker, number)
    if database.vendor == "mysql":
        from auto_migrate.databases.mysql.adapter import MySQL
        from auto_migrate.databases.mysql.deploy_lock import NamedLock

        assert isinstance(database, MySQL)  # noqa: S101 # for the type alone
        return NamedLock(database, digest.hexdigest())
    if database.vendor == "sqlite":
        from auto_migrate.databases.sqlite.adapter import SQLite
        from auto_migrate.databases.sqlite.deploy_lock import FileLock

        path = database.path if isinstance(database, SQLite) else None
        return (
            NoLock() if path is None else FileLock(database, path, worker, f".auto_migrate.{digest.hexdigest()}.lock")
        )
    return NoLock()
