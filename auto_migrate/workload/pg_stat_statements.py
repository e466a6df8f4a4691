"""The statements that PostgreSQL has counted in the database about to be migrated: `pg_stat_statements`.

https://www.postgresql.org/docs/current/pgstatstatements.html
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterator
from typing import Any

from django.db import DatabaseError, OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.transaction import atomic
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from auto_migrate.databases.faults import causes
from auto_migrate.databases.postgresql.sqlstates import sqlstate_of
from auto_migrate.exceptions import UsageError
from auto_migrate.workload.kinds import handed_over, is_of_release
from auto_migrate.workload.normalization import LONGEST, normalized
from auto_migrate.workload.statement import RecordedStatement, Workload, together

SOURCE = "pg_stat_statements"
# Less than a day does not show what is done once a day.
LONG_ENOUGH = datetime.timedelta(days=1)
# What the view says in place of the text of somebody else's statement.
HIDDEN = "<insufficient privilege>"

SCHEMA = """
    SELECT quote_ident(nspname) FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace
    WHERE extname = 'pg_stat_statements'
"""
# Extensions before 1.9 have no view of what they lost.
INFO = "SELECT to_regclass('{schema}.pg_stat_statements_info') IS NOT NULL"
SINCE = "SELECT stats_reset, dealloc, now() FROM {schema}.pg_stat_statements_info"
SINCE_START = "SELECT NULL::timestamptz, 0, now()"
STARTED = "SELECT pg_postmaster_start_time(), coalesce(current_setting('pg_stat_statements.track', true), 'top')"
STATEMENTS = """
    SELECT query, sum(calls)::bigint, array_agg(DISTINCT coalesce(rolname, userid::text))
    FROM {schema}.pg_stat_statements LEFT JOIN pg_roles ON pg_roles.oid = userid
    WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
    GROUP BY query
"""


@dataclasses.dataclass(frozen=True)
class Counting:
    """Since when the server has counted, whether it had to forget some, and whether it still counts."""

    since: datetime.datetime
    now: datetime.datetime
    forgotten: int
    tracks: bool
    knows_what_it_forgot: bool


def counted_statements(connection: BaseDatabaseWrapper) -> Workload | None:
    """Return what was counted in this database, None where the extension is not there or may not be read.

    Raise what the database raises when it cannot be asked at all.
    """
    if connection.vendor != "postgresql":
        return None
    try:
        with atomic(using=connection.alias), connection.cursor() as cursor:
            # A server under load, or one with huge texts, shall hold no deploy up.
            cursor.execute("SELECT set_config('statement_timeout', '10s', true)")
            cursor.execute(SCHEMA)
            if (found := cursor.fetchone()) is None:
                return None
            [schema] = found
            counting = _counting(cursor, schema)
            cursor.execute(STATEMENTS.format(schema=schema))
            rows = cursor.fetchall()
    except DatabaseError as error:
        if is_lost(error):
            raise
        return None
    return workload_of(rows, counting)


def is_lost(error: DatabaseError) -> bool:
    """Return whether the connection is gone, or the server is going, rather than the question refused."""
    state = next(filter(None, map(sqlstate_of, causes(error))), "")
    return state.startswith(("08", "57P")) or (not state and isinstance(error, OperationalError))


def required_statements(connection: BaseDatabaseWrapper) -> Workload:
    """Return what was counted; raise `UsageError` where nothing is, for those who asked for just that."""
    found = counted_statements(connection)
    if found is None or not found.statements:
        raise UsageError(
            _("The database {alias!r} has counted no statements that this role may read.").format(
                alias=connection.alias
            ),
            hint=_(
                "It takes shared_preload_libraries = 'pg_stat_statements', CREATE EXTENSION pg_stat_statements, and "
                "GRANT pg_read_all_stats. Or record the statements of your tests, and name the file."
            ),
        )
    return found


def _counting(cursor: Any, schema: str) -> Counting:
    cursor.execute(INFO.format(schema=schema))
    [has_info] = cursor.fetchone()
    cursor.execute(SINCE.format(schema=schema) if has_info else SINCE_START)
    reset, forgotten, now = cursor.fetchone()
    cursor.execute(STARTED)
    started, track = cursor.fetchone()
    return Counting(reset or started, now, forgotten, track != "none", has_info)


def workload_of(rows: list[tuple[str | None, int, list[str]]], counting: Counting) -> Workload:
    """Return what rows of the view tell: a text, how often, and by whom."""
    found, hidden = [], 0
    for query, calls, roles in rows:
        if query is None or query == HIDDEN or len(query) > LONGEST:
            hidden += 1
            continue
        told = normalized(handed_over(query))
        if is_of_release(told.text):
            found.append(RecordedStatement(told.text, int(calls), tuple(roles)))
    source = _("{source}, counting since {since}").format(
        source=SOURCE, since=counting.since.astimezone(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
    )
    one = together([Workload(tuple(found), source)])
    return dataclasses.replace(one, gaps=tuple(_gaps(counting, hidden)))


def _gaps(counting: Counting, hidden: int) -> Iterator[str]:
    if counting.now - counting.since < LONG_ENOUGH:
        yield _("the server has counted for less than a day")
    if not counting.tracks:
        yield _("pg_stat_statements.track is none")
    if counting.forgotten or not counting.knows_what_it_forgot:
        yield _("the server has forgotten statements that it had no room for (pg_stat_statements.max)")
    if hidden:
        text = ngettext(
            "the text of {count} statement cannot be read (GRANT pg_read_all_stats)",
            "the texts of {count} statements cannot be read (GRANT pg_read_all_stats)",
            hidden,
        )
        yield text.format(count=hidden)
