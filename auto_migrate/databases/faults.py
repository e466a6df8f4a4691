"""What a database error means for a run: try again, or give up at once.

Errors are told apart by SQLSTATE, never by text, since servers speak the language of `lc_messages`. The few lines of
text that are matched come from the client library, which does not.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterator

from django.utils.translation import gettext_noop as _


class Kind(enum.Enum):
    """What went wrong, as far as a deploy cares."""

    UNREACHABLE = _("could not connect to server")
    STARTING = _("the database is starting up or shutting down")
    READ_ONLY = _("the database is read-only (a standby, or a failover under way)")
    FULL = _("the database has no connection to spare")
    CONNECTION_LOST = _("the connection was lost")
    LOCK_TIMEOUT = _("a lock was not had in time")
    DEADLOCK = _("two transactions were in each other's way")
    DEPLOY_LOCK_LOST = _("the deploy lock was lost")

    CREDENTIALS = _("the credentials are refused")
    NO_DATABASE = _("the database does not exist")
    NO_PERMISSION = _("the role lacks a permission")
    TLS = _("the TLS settings do not fit the server's")
    BAD_ADDRESS = _("the connection settings make no sense")

    @property
    def contention(self) -> bool:
        """Return whether others were in the way, so that the database is well and the migration had no luck."""
        return self in {Kind.LOCK_TIMEOUT, Kind.DEADLOCK}

    @property
    def passing(self) -> bool:
        """Return whether a later attempt may succeed."""
        return self not in PERMANENT


PERMANENT = frozenset({Kind.CREDENTIALS, Kind.NO_DATABASE, Kind.NO_PERMISSION, Kind.TLS, Kind.BAD_ADDRESS})

# What to look at first, by kind; `{role}`, `{host}`, `{name}` and `{alias}` are the connection's own.
HINTS = {
    Kind.UNREACHABLE: _(
        "Check that the database runs and that {host} is its address: DATABASES[{alias!r}] (or DATABASE_URL)."
    ),
    Kind.CREDENTIALS: _(
        "Check the role and password in DATABASES[{alias!r}] (or DATABASE_URL), and the server's pg_hba.conf: "
        "psql postgresql://{role}@{host}/{name}"
    ),
    Kind.NO_DATABASE: _("Create the database {name} or correct its name in DATABASES[{alias!r}] (or DATABASE_URL)."),
    Kind.NO_PERMISSION: _("Grant the role {role} what it lacks on {name}, or migrate with the owner's role."),
    Kind.TLS: _("Check sslmode and the certificates in DATABASES[{alias!r}]['OPTIONS'] (or DATABASE_URL)."),
    Kind.BAD_ADDRESS: _("Check the spelling of DATABASES[{alias!r}] (or DATABASE_URL)."),
}


@dataclasses.dataclass(frozen=True)
class Fault:
    """A database error that has been understood. `detail` is the driver's own text."""

    kind: Kind
    detail: str = ""


def causes(error: BaseException) -> Iterator[BaseException]:
    """Return the error and what it was raised from, outermost first."""
    seen: set[int] = set()
    current: BaseException | None = error
    # Nothing keeps a chain from leading back into itself: `raise error from error` is one that does.
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)


def first_line(error: BaseException) -> str:
    """Return what the driver said, on one line."""
    return " ".join(str(error).split())
