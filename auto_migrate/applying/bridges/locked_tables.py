"""A moment in which some tables are ours, got without holding anybody up."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

from django.db.transaction import atomic

from auto_migrate.applying.locks.acquire import lock_ahead
from auto_migrate.applying.own_schema import kept_schema
from auto_migrate.databases.base import Database, DeployLock
from auto_migrate.databases.lock_modes import LockMode
from auto_migrate.emitter import Emitter
from auto_migrate.retry import teller
from auto_migrate.values import MigrationKey


@contextlib.contextmanager
def tables_locked(
    database: Database, needs: Mapping[str, LockMode], *, migration: MigrationKey, lock: DeployLock, emit: Emitter
) -> Iterator[None]:
    """Open a transaction that has locked some tables, where schema changes can be of one, and commit it at the end.

    Raise `MigrationFailed` if the tables are never free, `TransientError` if the deploy lock is lost.
    """
    with atomic(using=database.alias) if database.transactional_ddl else database.session_limits():
        database.begin_migration(emit.clock, kept_schema(), teller(emit))
        lock.verify()
        if database.table_locks is not None:
            lock_ahead(database.table_locks, needs, migration=migration, emit=emit)
        yield
        lock.verify()
