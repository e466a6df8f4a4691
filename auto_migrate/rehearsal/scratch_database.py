"""A database of its own beside the real one, made for a rehearsal and dropped after it, whatever happens.

What a killed rehearsal left is dropped by the next one of the same database: only what is marked as such by a comment,
and only if nobody is connected to it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import socket
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.translation import gettext as _

from auto_migrate.databases.base import Database
from auto_migrate.databases.client_pool import copy_outside_pool
from auto_migrate.databases.faults import causes
from auto_migrate.databases.postgresql.sessions import holders
from auto_migrate.databases.postgresql.sqlstates import sqlstate_of
from auto_migrate.databases.session_waits import Reason, await_free
from auto_migrate.emitter import Emitter
from auto_migrate.exceptions import DatabaseRefused
from auto_migrate.rehearsal.rehearsal_events import LeftoversFound
from auto_migrate.rehearsal.rehearsal_signals import undisturbed
from auto_migrate.retry import teller

if TYPE_CHECKING:
    from django.db.backends.utils import CursorWrapper

PREFIX = "auto_migrate_rehearsal_"
# "auto_reh" in ASCII: held while a scratch database is made, so that nobody takes it for a leftover.
MAKING_KEY = int.from_bytes(b"auto_reh")
NO_PERMISSION, IN_USE = "42501", "55006"

LEFTOVERS = """
    SELECT datname, coalesce(shobj_description(oid, 'pg_database'), '') FROM pg_database
    WHERE starts_with(datname, %s) AND pg_has_role(datdba, 'MEMBER') ORDER BY datname
"""


@contextlib.contextmanager
def beside(database: Database, emit: Emitter) -> Iterator[dict[str, Any]]:
    """Return the settings of an empty database on the server of the real one, dropped when the block ends."""
    name = f"{PREFIX}{uuid.uuid4().hex[:12]}"
    own, keeper = connection_to(database), connection_to(database, NAME=name)
    server = ScratchServer(database, own)
    try:
        with making(database, emit):
            found = server.sweep()
            if found.dropped or found.unmarked:
                emit(found)
            server.make(name)
            # From here on somebody is connected to it, and nobody sweeps it away.
            keeper.ensure_connection()
        yield dict(keeper.settings_dict)
    finally:
        with undisturbed():
            keeper.close()
            server.drop(name)
            own.close()


@dataclasses.dataclass(frozen=True)
class ScratchServer:
    """The server of the real database, through a connection that asks and touches no table."""

    database: Database
    connection: BaseDatabaseWrapper

    @property
    def mark(self) -> str:
        """The beginning of the comment by which a scratch database is known."""
        return f"auto_migrate rehearsal of {self.database.address.name} "

    def make(self, name: str) -> None:
        """Make a database and mark it; raise `DatabaseRefused` where the role may not."""
        try:
            self._execute(f"CREATE DATABASE {name}")
        except DatabaseError as error:
            if NO_PERMISSION in map(sqlstate_of, causes(error)):
                raise self._may_not() from error
            raise
        by = f"{self.mark}by {socket.gethostname()}:{os.getpid()}".replace("'", "''")
        self._execute(f"COMMENT ON DATABASE {name} IS '{by}'")

    def drop(self, name: str) -> None:
        """Drop a database that this rehearsal made, with whoever is still connected to it."""
        # The connection may have been lost meanwhile.
        self.connection.close()
        self._execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def sweep(self) -> LeftoversFound:
        """Drop what killed rehearsals of this database left; name what looks like it and bears no mark."""
        with self.connection.cursor() as cursor:
            cursor.execute(LEFTOVERS, [PREFIX])
            found = cursor.fetchall()
        dropped = [name for name, comment in found if comment.startswith(self.mark) and self._dropped(name)]
        return LeftoversFound(tuple(dropped), tuple(name for name, comment in found if not comment))

    def _dropped(self, name: str) -> bool:
        try:
            self._execute(f"DROP DATABASE IF EXISTS {self.connection.ops.quote_name(name)}")
        except DatabaseError as error:
            if IN_USE in map(sqlstate_of, causes(error)):
                return False
            raise
        return True

    def _execute(self, statement: str) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute(statement)

    def _may_not(self) -> DatabaseRefused:
        role = self.database.address.role
        hint = _("Let it: ALTER ROLE {role} CREATEDB. Or rehearse elsewhere: manage.py rehearse_migrations --embedded")
        return DatabaseRefused(
            _("The role {role} may not create the scratch database of a rehearsal.").format(role=role),
            hint=hint.format(role=self.connection.ops.quote_name(role)),
        )


def connection_to(database: Database, **settings: Any) -> BaseDatabaseWrapper:
    """Return a connection beside the usual one, not yet open."""
    connection = copy_outside_pool(database.connection)
    connection.settings_dict.update(AUTOCOMMIT=True, **settings)
    database.own_connections.add(connection)
    return connection


@contextlib.contextmanager
def making(database: Database, emit: Emitter) -> Iterator[None]:
    """Be the only rehearsal of a database that sweeps and makes, until the scratch is made and entered.

    The lock is a transaction's, since a session's would be stranded on a pooled connection. Raise `DeployLockTimeout`
    where another rehearsal keeps it.
    """
    connection = connection_to(database)
    try:
        with connection.cursor() as cursor:
            cursor.execute("BEGIN ISOLATION LEVEL READ COMMITTED")
            await_free(
                lambda: _is_taken(cursor),
                lambda: tuple(blocker for blocker, _since in holders(database, MAKING_KEY)),
                reason=Reason.REHEARSAL,
                limit=database.runner_patience,
                clock=emit.clock,
                tell=teller(emit),
            )
        yield
    finally:
        connection.close()


def _is_taken(cursor: CursorWrapper) -> bool:
    cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [MAKING_KEY])
    return bool(cursor.fetchone()[0])
