"""Settings of a connection that its driver cannot make sense of."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from django.core.exceptions import ImproperlyConfigured
from django.db import Error
from django.utils.translation import gettext as _

from auto_migrate.databases.faults import Fault, FaultKind, first_line
from auto_migrate.databases.sockets import CONNECT_TIMEOUT, ended_after, hurried
from auto_migrate.exceptions import UsageError

if TYPE_CHECKING:
    from auto_migrate.databases.base import Database


@contextlib.contextmanager
def translate_bad_options(database: Database) -> Iterator[None]:
    """Raise `DatabaseRefused` for what no server was asked about: an unknown option, or a value of the wrong type."""
    try:
        yield
    except (TypeError, ValueError, ImproperlyConfigured, Error) as error:
        if database.connection.connection is not None:
            raise
        raise database.explain(Fault(FaultKind.BAD_ADDRESS, first_line(error))) from error


# With any other value of its option (Python 3.12), the commits that Django asks of SQLite's driver do nothing, or it
# begins transactions by itself: `sqlite3.LEGACY_TRANSACTION_CONTROL`.
DJANGO_COMMITS = -1


def refuse_manual_commits(database: Database) -> None:
    """Raise `UsageError` where autocommit is off: nothing that a run does, its record included, would be committed."""
    driver_commits = database.connection.settings_dict["OPTIONS"].get("autocommit", DJANGO_COMMITS)
    if database.vendor == "sqlite" and driver_commits != DJANGO_COMMITS:
        raise UsageError(
            _("OPTIONS of DATABASES[{alias!r}] set autocommit to {value!r}, so that Django can commit nothing.").format(
                alias=database.alias, value=driver_commits
            ),
            hint=_("Leave it out: Django itself says when SQLite commits."),
        )
    if not database.connection.settings_dict["AUTOCOMMIT"]:
        raise UsageError(
            _("DATABASES[{alias!r}] has AUTOCOMMIT off, so that nothing would be committed.").format(
                alias=database.alias
            ),
            hint=_("Migrate with settings in which it is on, which is Django's default."),
        )


def refuse_pooler(database: Database) -> None:
    """Raise `UsageError` behind a pooler, where no session stays in the schema of a tenant."""
    if database.pooled:
        raise UsageError(
            _("A pooler is between us and database {database!r}, and keeps no session in a schema.").format(
                database=database.alias
            ),
            hint=_("Name the server itself: {variable}").format(
                variable=f"AUTO_MIGRATE_DIRECT_URLS={database.alias}=postgresql://HOST:PORT/NAME"
            ),
        )


@contextlib.contextmanager
def asking(database: Database) -> Iterator[None]:
    """Ask the database within the block, connected; raise `TransientError` or `DatabaseRefused` where it cannot be."""
    connection = database.connection
    connecting, answering = hurried(connection, CONNECT_TIMEOUT), ended_after(connection, CONNECT_TIMEOUT)
    with connecting, answering, translate_bad_options(database), database.translate_errors():
        connection.ensure_connection()
    with database.translate_errors():
        yield
