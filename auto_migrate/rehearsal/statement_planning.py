"""The statements of the running release planned by a server that does not carry them out."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.translation import gettext as _

from auto_migrate.databases.faults import first_line
from auto_migrate.workload.normalization import tokens
from auto_migrate.workload.pg_stat_statements import is_lost

# Within a function, so that the pg_stat_statements of a real server counts one statement more and not thousands, for
# which it would forget others. A prepared statement stays when what comes after it fails.
FUNCTION = """
    CREATE FUNCTION pg_temp.auto_migrate_plan(statement text, given text) RETURNS text[] LANGUAGE plpgsql AS $function$
    DECLARE
        found text[];
        values text;
    BEGIN
        EXECUTE format('PREPARE auto_migrate_statement %s AS %s', given, statement);
        SELECT parameter_types::text[] INTO found FROM pg_prepared_statements WHERE name = 'auto_migrate_statement';
        values := array_to_string(array_fill('NULL'::text, ARRAY[cardinality(found)]), ', ');
        EXECUTE 'EXPLAIN EXECUTE auto_migrate_statement' || coalesce('(' || nullif(values, '') || ')', '');
        EXECUTE 'DEALLOCATE auto_migrate_statement';
        RETURN found;
    EXCEPTION WHEN OTHERS THEN
        IF EXISTS (SELECT FROM pg_prepared_statements WHERE name = 'auto_migrate_statement') THEN
            EXECUTE 'DEALLOCATE auto_migrate_statement';
        END IF;
        RAISE;
    END
    $function$
"""
PLAN = "SELECT pg_temp.auto_migrate_plan(%s, %s)"
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
            cursor.execute(FUNCTION)

    def end(self) -> None:
        """Leave the session as it was."""
        with self.connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION pg_temp.auto_migrate_plan")
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
        given = f"({', '.join(types)})" if types else ""
        try:
            with self.connection.cursor() as cursor:
                cursor.execute(PLAN, [text, given])
                return tuple(cursor.fetchone()[0])
        except DatabaseError as error:
            if is_lost(error):
                raise
            raise NotPlanned(said(error)) from error
        except ValueError as error:
            # No encoding has it.
            raise NotPlanned(first_line(error)) from error


def said(error: DatabaseError) -> str:
    """Return what the server says, without the place in the text, which is ours by then."""
    told = getattr(getattr(error.__cause__, "diag", None), "message_primary", None)
    return str(told or first_line(error))
