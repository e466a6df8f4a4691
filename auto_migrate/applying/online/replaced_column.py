"""What hangs on a column that is to be replaced by another: all that has to be there again afterwards."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from auto_migrate.applying.online.chosen_names import free_name
from auto_migrate.applying.online.quoted_names import unquoted
from auto_migrate.applying.online.step_context import NotOnline
from auto_migrate.databases.identifiers import quoted

# What of a table would see, refuse or pass on what is written to another column. A bridge that stands has a trigger of
# ours, and so has a column that a cut run has begun to replace.
ODD_TABLE = """
    EXISTS (SELECT FROM pg_trigger WHERE tgrelid = attrelid AND NOT tgisinternal
                                         AND NOT starts_with(tgname, 'auto_migrate_'))
    OR EXISTS (SELECT FROM pg_policy WHERE polrelid = attrelid)
    OR EXISTS (SELECT FROM pg_inherits WHERE attrelid IN (inhparent, inhrelid))
    OR EXISTS (SELECT FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
               WHERE pg_class.oid = attrelid AND (
                   relkind <> 'r' OR relhasrules OR relforcerowsecurity
                   OR EXISTS (SELECT FROM pg_publication_tables WHERE (schemaname, tablename) = (nspname, relname))))
"""
COLUMN = f"""
    SELECT attnum, attnotnull, attidentity, pg_get_expr(adbin, adrelid), col_description(attrelid, attnum),
           nullif(attstattarget, -1),
           attgenerated <> '' OR attacl IS NOT NULL OR attoptions IS NOT NULL OR attcompression <> ''
               OR attstorage <> typstorage OR attislocal IS NOT TRUE OR attinhcount > 0
               OR {ODD_TABLE}
               OR EXISTS (SELECT FROM pg_statistic_ext WHERE stxrelid = attrelid AND attnum = ANY(stxkeys::int2[]))
               OR (attidentity <> '' AND EXISTS (
                   SELECT FROM pg_sequence JOIN pg_class ON pg_class.oid = seqrelid
                   WHERE seqrelid = to_regclass(pg_get_serial_sequence(%s, attname))
                     AND (obj_description(seqrelid, 'pg_class') IS NOT NULL OR seqcycle
                          OR EXISTS (SELECT FROM aclexplode(relacl) WHERE grantor <> relowner)
                          OR EXISTS (SELECT FROM pg_depend WHERE refclassid = 'pg_class'::regclass
                                                             AND refobjid = seqrelid AND deptype = 'n')
                          OR (seqstart, seqincrement, seqmin, seqcache) <> (1, 1, 1, 1)
                          OR seqmax NOT IN (32767, 2147483647, 9223372036854775807)))),
           pg_get_serial_sequence(%s, attname)
    FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid
    LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE attrelid = to_regclass(%s) AND attname = %s::text::name AND NOT attisdropped
"""  # noqa: S608 # of our own
TABLE = f"SELECT {ODD_TABLE} FROM (SELECT to_regclass(%s) AS attrelid) AS asked WHERE attrelid IS NOT NULL"  # noqa: S608 # of our own
# Whatever else depends on the column: views, rules, generated columns, functions with a body in SQL.
OTHERS = """
    SELECT count(*) FROM pg_depend
    WHERE refclassid = 'pg_class'::regclass AND refobjid = to_regclass(%s) AND refobjsubid = %s AND deptype <> 'i'
      AND NOT (classid = 'pg_constraint'::regclass)
      AND NOT (classid = 'pg_class'::regclass
               AND EXISTS (SELECT FROM pg_class WHERE pg_class.oid = objid AND relkind IN ('i', 'S')))
      AND NOT (classid = 'pg_attrdef'::regclass
               AND EXISTS (SELECT FROM pg_attrdef WHERE pg_attrdef.oid = objid AND adnum = refobjsubid))
"""
INDEXES = """
    SELECT DISTINCT relname, pg_get_indexdef(indexrelid), indisunique, indisvalid AND indisready,
           indisclustered OR indisreplident OR reltablespace <> 0
               OR coalesce(obj_description(indexrelid, 'pg_class'),
                           obj_description(pg_constraint.oid, 'pg_constraint')) IS NOT NULL
               OR EXISTS (SELECT FROM pg_attribute WHERE attrelid = indexrelid AND attstattarget >= 0),
           contype, conname, condeferrable, condeferred
    FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
    LEFT JOIN pg_constraint ON conindid = indexrelid AND contype IN ('p', 'u', 'x')
    WHERE indrelid = to_regclass(%(table)s) AND (%(number)s = ANY(indkey) OR EXISTS (
        SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = indexrelid
        AND refobjid = indrelid AND refobjsubid = %(number)s))
    ORDER BY relname
"""
CONSTRAINTS = """
    SELECT contype, conname, pg_get_constraintdef(oid), convalidated, cardinality(conkey),
           obj_description(oid, 'pg_constraint') IS NOT NULL
    FROM pg_constraint
    WHERE (conrelid = to_regclass(%(table)s) AND %(number)s = ANY(conkey) AND contype NOT IN ('p', 'u'))
       OR (confrelid = to_regclass(%(table)s) AND %(number)s = ANY(confkey))
    ORDER BY conname
"""
# What sees an UPDATE of a row, makes another of it, or hides the row from it.
TRIGGERS = """
    SELECT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = to_regclass(%(table)s) AND NOT tgisinternal
                                                AND NOT starts_with(tgname, 'auto_migrate_'))
        OR EXISTS (SELECT FROM pg_class WHERE oid = to_regclass(%(table)s) AND (relhasrules OR relforcerowsecurity))
"""
# Constraints that old rows may be against, as long as nobody writes them.
NOT_VALID = """
    SELECT EXISTS (SELECT FROM pg_constraint WHERE conrelid = to_regclass(%(table)s) AND contype IN ('c', 'n')
                   AND NOT convalidated AND NOT starts_with(conname, 'auto_migrate_'))
"""


class NotThere(NotOnline):
    """A column that the database does not have, or not yet."""


@dataclasses.dataclass(frozen=True)
class ColumnIndex:
    """An index on the column, and the constraint that it is of, if it is of one: `p` or `u`."""

    name: str
    definition: str
    unique: bool
    constraint: str
    deferrable: str


@dataclasses.dataclass(frozen=True)
class ReplacedColumn:
    """A column (names quoted) and what hangs on it.

    One that `becomes_required` has `value` put where NULL is, if it is not empty. `not_null` is the quoted name that
    its NOT NULL has or will be given.
    """

    table: str
    column: str
    required: bool
    identity: str
    default: str
    comment: str | None
    statistics: int | None
    sequence: str
    indexes: Sequence[ColumnIndex]
    checks: Sequence[tuple[str, str]]
    not_null: str
    becomes_required: bool = False
    value: str = ""


# Return what hangs on a column, of a table, by quoted names, without the foreign keys of these names.
Facts = Callable[[BaseDatabaseWrapper, str, str, Iterable[str]], ReplacedColumn]


def facts_of(connection: BaseDatabaseWrapper, table: str, column: str, keys_dropped: Iterable[str]) -> ReplacedColumn:
    """Look a column up; raise `NotOnline` where something hangs on it that could not be there again.

    `keys_dropped` are the foreign keys that are dropped before and made again after.
    """
    with connection.cursor() as cursor:

        def rows(statement: str, parameters: Any) -> list[tuple[Any, ...]]:
            cursor.execute(statement, parameters)
            return list(cursor.fetchall())

        name = unquoted(column)
        found = rows(COLUMN, [table, table, table, name])
        if not found:
            raise NotThere
        number, required, identity, default, comment, statistics, odd, sequence = found[0]
        if odd or rows(OTHERS, [table, number])[0][0]:
            raise NotOnline
        place = {"table": table, "number": number}
        indexes = [index_of(row) for row in rows(INDEXES, place)]
        constraints = rows(CONSTRAINTS, place)
        checks = list(checks_of(constraints, set(keys_dropped)))
        # It keeps the name that it was given when the column was called otherwise.
        not_null = next((quoted(one[1]) for one in constraints if one[0] == "n"), None)
    not_null = not_null or free_name(connection, table, column, "not_null")
    told = (default or "", comment, statistics, sequence or "")
    return ReplacedColumn(table, column, required, identity, *told, indexes, checks, not_null)


def facts_of_new(connection: BaseDatabaseWrapper, table: str, column: str, *, required: bool) -> ReplacedColumn:
    """Foresee what will hang on a column that the plan makes before; raise `NotOnline` as for one that is there."""
    with connection.cursor() as cursor:
        cursor.execute(TABLE, [table])
        found = cursor.fetchone()
    if found is None or found[0]:
        raise NotOnline
    not_null = free_name(connection, table, column, "not_null")
    return ReplacedColumn(table, column, required, "", "", None, None, "", [], [], not_null)


def facts_or_new(
    connection: BaseDatabaseWrapper, table: str, column: str, keys_dropped: Iterable[str]
) -> ReplacedColumn:
    """Look a column up, or foresee it where it is not there yet."""
    try:
        return facts_of(connection, table, column, keys_dropped)
    except NotThere:
        return facts_of_new(connection, table, column, required=False)


def demand_no_triggers(connection: BaseDatabaseWrapper, table: str) -> None:
    """Raise `NotOnline` if a project's own triggers would see each row written that Django's statement does not show.

    So with rules, and with policies that may keep rows from being written.
    """
    demand_none(connection, TRIGGERS, table)


def demand_valid_rows(connection: BaseDatabaseWrapper, table: str) -> None:
    """Raise `NotOnline` if old rows may be against a constraint, which would refuse them when they are written."""
    demand_none(connection, NOT_VALID, table)


def demand_none(connection: BaseDatabaseWrapper, question: str, table: str) -> None:
    """Raise `NotOnline` if a table has any of what is asked about; without a database to look at, there is none."""
    if connection.connection is None:
        return
    with connection.cursor() as cursor:
        cursor.execute(question, {"table": table})
        if cursor.fetchone()[0]:
            raise NotOnline


def index_of(row: tuple[Any, ...]) -> ColumnIndex:
    """Read one index; raise `NotOnline` for what cannot be built again under another name and take its place."""
    name, definition, unique, valid, odd, kind, constraint, deferrable, deferred = row
    plain = "'" not in definition and (constraint is None or constraint == name)
    if not valid or odd or kind == "x" or not plain:
        raise NotOnline
    timing = f" DEFERRABLE INITIALLY {'DEFERRED' if deferred else 'IMMEDIATE'}" if deferrable else ""
    return ColumnIndex(name, definition, unique, kind or "", timing)


def checks_of(rows: Iterable[tuple[Any, ...]], keys_dropped: set[str]) -> Iterable[tuple[str, str]]:
    """Return names and definitions of CHECK constraints; raise `NotOnline` for what else nobody makes again."""
    for kind, name, definition, valid, width, remarked in rows:
        if remarked:
            raise NotOnline
        if kind == "c" and valid and "'" not in definition:
            yield name, definition
        elif kind == "n":
            # Made again by SET NOT NULL.
            if not valid:
                raise NotOnline
        elif kind != "f" or width != 1 or quoted(name) not in keys_dropped:
            raise NotOnline


def renamed(definition: str, column: str, other: str) -> str:
    """Return a definition that the server wrote, of another column."""
    name = unquoted(column)
    plain = rf'(?<![\w"$.])(?<!::){re.escape(name)}(?![\w"$(])' if re.fullmatch(r"[a-z_][a-z0-9_]*", name) else r"(?!)"
    return re.sub(rf"{re.escape(column)}|{plain}", lambda _found: other, definition)
