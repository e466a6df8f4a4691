"""The statements of the running release planned by a server that does not carry them out."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.translation import gettext as _

from auto_migrate.databases.faults import first_line
from auto_migrate.workload.normalization import tokens

NAME = "auto_migrate_statement"
TYPES = "SELECT parameter_types::text[] FROM pg_prepared_statements WHERE name = %s"


# What drivers send as what it is, an integer as one; everything else is text whose type the server finds out.
TYPED = frozenset({
    "smallint", "integer", "bigint", "numeric", "real", "double precision", "boolean", "date", "uuid", "interval",
    "timestamp with time zone", "timestamp without time zone", "time without time zone",
})  # fmt: skip


class NotPlanned(Exception):
    """The server cannot plan a statement; the text is what it says."""


@dataclasses.dataclass
class StatementPlanner:
    """Plans statements without their values on one connection, outside of a transaction.

    A generic plan, as EXPLAIN (GENERIC_PLAN) makes one from PostgreSQL 16 on, comes in every version of EXPLAIN EXECUTE
    under `plan_cache_mode = force_generic_plan`; besides, PREPARE takes and tells the types of the parameters.
    """

    connection: BaseDatabaseWrapper

    def begin(self) -> None:
        """Prepare the session."""
        with self.connection.cursor() as cursor:
            cursor.execute("SET plan_cache_mode = force_generic_plan")

    def end(self) -> None:
        """Leave the session as it was."""
        with self.connection.cursor() as cursor:
            cursor.execute("RESET plan_cache_mode")

    def types(self, text: str) -> tuple[str, ...]:
        """Plan a statement and return the types that its parameters have; raise `NotPlanned` if it cannot be."""
        if any(token.text == ";" for token in tokens(text, None, self.connection.vendor)):
            raise NotPlanned(_("several statements in one text"))
        return tuple(type_ if type_.removesuffix("[]") in TYPED else "unknown" for type_ in self._planned(text, None))

    def plan(self, text: str, types: Sequence[str]) -> None:
        """Plan a statement whose parameters are of some types; raise `NotPlanned` if it cannot be.

        The types are those that the running release sends: compared with a column that has become text, an integer is
        an error, which it would not be if the server were free to take it for a text.
        """
        self._planned(text, types)

    def _planned(self, text: str, types: Sequence[str] | None) -> tuple[str, ...]:
        prepared = False
        try:
            with self.connection.cursor() as cursor:
                given = f" ({', '.join(types)})" if types else ""
                cursor.execute(f"PREPARE {NAME}{given} AS {text}")
                prepared = True
                if types is None:
                    cursor.execute(TYPES, [NAME])
                    types = tuple(cursor.fetchone()[0])
                values = f"({', '.join(['NULL'] * len(types))})" if types else ""
                cursor.execute(f"EXPLAIN EXECUTE {NAME}{values}")
                return tuple(types)
        except DatabaseError as error:
            if not self.connection.is_usable():
                raise
            raise NotPlanned(said(error)) from error
        finally:
            if prepared and self.connection.connection is not None:
                self._forget()

    def _forget(self) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute(f"DEALLOCATE {NAME}")


def said(error: DatabaseError) -> str:
    """Return what the server says, without the place in the text, which is ours by then."""
    told = getattr(getattr(error.__cause__, "diag", None), "message_primary", None)
    return str(told or first_line(error))
