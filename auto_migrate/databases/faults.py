"""What a database error means for a run: try again, or give up at once.

Errors are told apart by SQLSTATE, never by text, since servers speak the language of `lc_messages`. The few lines of
text that are matched come from the client library, which does not.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from auto_migrate.exceptions import TransientError
from auto_migrate.values import ValueObject


class FaultKind(enum.Enum):
    """What went wrong, as far as a deploy cares."""

    UNREACHABLE = _("could not connect to server")
    STARTING = _("the database is starting up or shutting down")
    READ_ONLY = _("the database is read-only (a standby, or a failover under way)")
    TOO_MANY_CONNECTIONS = _("the database has no connection to spare")
    CONNECTION_LOST = _("the connection was lost")
    LOCK_TIMEOUT = _("a lock was not had in time")
    HISTORY_LOCKED = _("somebody keeps a table of the history, or the record of migrations, locked")
    DEADLOCK = _("two transactions were in each other's way")
    DEPLOY_LOCK_LOST = _("the deploy lock was lost")

    CREDENTIALS = _("the credentials are refused")
    NO_DATABASE = _("the database does not exist")
    NO_PERMISSION = _("the role lacks a permission")
    TLS = _("the TLS settings do not fit the server's")
    BAD_ADDRESS = _("the connection settings make no sense")
    TOO_OLD = _("the server is older than this Django supports")
    NO_SCHEMA = _("there is no schema to make tables in")
    ROLE_READ_ONLY = _("the role's own settings make every transaction read-only")
    POOL_MODE = _("the pooler lends its connections for single statements only")
    ROLE_TIMEOUT = _("the role's statement_timeout ends even the shortest questions")

    @property
    def contention(self) -> bool:
        """Return whether others were in the way, so that the database is well and the migration had no luck."""
        return self in {FaultKind.LOCK_TIMEOUT, FaultKind.HISTORY_LOCKED, FaultKind.DEADLOCK}

    @property
    def transient(self) -> bool:
        """Return whether a later attempt may succeed."""
        return self not in PERMANENT


PERMANENT = frozenset(
    {
        FaultKind.CREDENTIALS,
        FaultKind.NO_DATABASE,
        FaultKind.NO_PERMISSION,
        FaultKind.TLS,
        FaultKind.BAD_ADDRESS,
        FaultKind.TOO_OLD,
        FaultKind.NO_SCHEMA,
        FaultKind.ROLE_READ_ONLY,
        FaultKind.POOL_MODE,
        FaultKind.ROLE_TIMEOUT,
    }
)

# What to look at first, by kind; `{role}`, `{host}`, `{name}` and `{alias}` are the connection's own.
HINTS = {
    FaultKind.UNREACHABLE: _(
        "Check that the database runs and that {host} is its address: DATABASES[{alias!r}] (or DATABASE_URL)."
    ),
    FaultKind.TOO_MANY_CONNECTIONS: _(
        "A run needs two connections at the same time, and is better told of with a third. Find out who has them, or "
        "let the role {role} and the server have more."
    ),
    FaultKind.CREDENTIALS: _(
        "Check the role and password in DATABASES[{alias!r}] (or DATABASE_URL), and the server's pg_hba.conf: "
        "psql postgresql://{role}@{host}/{name}"
    ),
    FaultKind.NO_DATABASE: _(
        "Create the database {name} or correct its name in DATABASES[{alias!r}] (or DATABASE_URL)."
    ),
    FaultKind.NO_PERMISSION: _("Grant the role {role} what it lacks on {name}, or migrate with the owner's role."),
    FaultKind.TLS: _("Check sslmode and the certificates in DATABASES[{alias!r}]['OPTIONS'] (or DATABASE_URL)."),
    FaultKind.BAD_ADDRESS: _("Check the spelling of DATABASES[{alias!r}] (or DATABASE_URL)."),
    FaultKind.TOO_OLD: _(
        "Upgrade the server, or take a Django that supports it: https://docs.djangoproject.com/en/stable/ref/databases/"
    ),
    FaultKind.NO_SCHEMA: _(
        "Name one that exists: ALTER ROLE {role} IN DATABASE {name} SET search_path = public; or let the role use the "
        "one that it names: GRANT USAGE, CREATE ON SCHEMA public TO {role}"
    ),
    FaultKind.ROLE_READ_ONLY: _(
        "Migrate with another role, or let this one write: ALTER ROLE {role} SET default_transaction_read_only = off"
    ),
    FaultKind.POOL_MODE: _(
        "Let PgBouncer lend them for transactions, pool_mode = transaction, or name the server itself: "
        "AUTO_MIGRATE['DIRECT_URLS']"
    ),
    FaultKind.ROLE_TIMEOUT: _("Give the role more time: ALTER ROLE {role} SET statement_timeout = '60s'"),
}


class Fault(ValueObject):
    """A database error that has been understood. `detail` is the driver's own text."""

    kind: FaultKind
    detail: str = ""

    def as_error(self, *, kept: bool = False, advice: str = "") -> TransientError:
        """Return the error that tells a fault which may pass; with `kept` and `advice` as that has them."""
        return TransientError(
            gettext(self.kind.value),
            detail=self.detail,
            contention=self.kind.contention,
            of_history=self.kind is FaultKind.HISTORY_LOCKED,
            kept=kept,
            advice=advice,
        )


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


def left_by(fault: TransientError) -> tuple[str, ...]:
    """Say what a migration that found no quiet moment has left."""
    if not fault.kept:
        return (gettext("Nothing was changed. Deploy again when it is quieter."),)
    kept = gettext("It is not atomic: what came before the failing operation was kept.")
    return kept, gettext("Deploy again when it is quieter: it goes on where it stopped.")
