"""Settings of a connection that its driver cannot make sense of."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from django.core.exceptions import ImproperlyConfigured
from django.db import Error
from django.utils.translation import gettext as _

from auto_migrate.databases.faults import Fault, FaultKind, first_line
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


def refuse_manual_commits(database: Database) -> None:
    """Raise `UsageError` where autocommit is off: nothing that a run does, its record included, would be committed."""
    if not database.connection.settings_dict["AUTOCOMMIT"]:
        raise UsageError(
            _("DATABASES[{alias!r}] has AUTOCOMMIT off, so that nothing would be committed.").format(
                alias=database.alias
            ),
            hint=_("Migrate with settings in which it is on, which is Django's default."),
        )


@contextlib.contextmanager
def asking(database: Database) -> Iterator[None]:
    """Ask the database within the block, connected; raise `TransientError` or `DatabaseRefused` where it cannot be."""
    with translate_bad_options(database), database.translate_errors():
        database.connection.ensure_connection()
    with database.translate_errors():
        yield
