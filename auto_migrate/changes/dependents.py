"""What depends on columns and tables in the database at hand, as its `pg_depend` has it.

A change of type is refused for some of it, and what is dropped with CASCADE, as Django drops tables, takes
it along without a word. One question for the whole plan; without an open connection nothing is known.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import NamedTuple

from django.db import Error
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.translation import gettext as _

from auto_migrate.changes.bridgeable import FILL_TRIGGER
from auto_migrate.changes.change import AlterType, Change, DropColumn, DropTable, Refusal
from auto_migrate.changes.collected_sql import undone
from auto_migrate.changes.object_change import CreateObject, DropObject, RenameObject
from auto_migrate.changes.verbs import ObjectKind

# Views and rules, functions with a body that PostgreSQL has read, policies and triggers with conditions, columns that
# are computed, and lists of columns that are published; each with what it is about, a table's own left out.
DEPENDENTS = """
    SELECT space.nspname, class.relname, coalesce(attname, ''), pg_table_is_visible(class.oid), found.kind, found.name
    FROM (
        SELECT refobjid, refobjsubid,
               CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'RULE' END AS kind,
               CASE WHEN relkind IN ('v', 'm') THEN pg_rewrite.ev_class::regclass::text ELSE rulename::text END AS name
        FROM pg_depend JOIN pg_rewrite ON classid = 'pg_rewrite'::regclass AND pg_rewrite.oid = objid
        JOIN pg_class ON pg_class.oid = ev_class
        WHERE refobjid <> ev_class OR refobjsubid > 0 AND relkind NOT IN ('v', 'm')
        UNION ALL
        SELECT refobjid, refobjsubid, 'FUNCTION', pg_proc.oid::regproc::text
        FROM pg_depend JOIN pg_proc ON classid = 'pg_proc'::regclass AND pg_proc.oid = objid
        UNION ALL
        SELECT refobjid, refobjsubid, 'POLICY', polname::text
        FROM pg_depend JOIN pg_policy ON classid = 'pg_policy'::regclass AND pg_policy.oid = objid
        WHERE refobjsubid > 0 OR refobjid <> polrelid
        UNION ALL
        SELECT refobjid, refobjsubid, 'TRIGGER', tgname::text
        FROM pg_depend JOIN pg_trigger ON classid = 'pg_trigger'::regclass AND pg_trigger.oid = objid
        WHERE refobjsubid > 0 AND NOT tgisinternal
        UNION ALL
        SELECT refobjid, refobjsubid, 'COLUMN', adrelid::regclass::text || '.' || attname
        FROM pg_depend JOIN pg_attrdef ON classid = 'pg_attrdef'::regclass AND pg_attrdef.oid = objid
        JOIN pg_attribute ON attrelid = adrelid AND attnum = adnum
        WHERE refobjid = adrelid AND refobjsubid NOT IN (0, adnum) AND attgenerated <> ''
        UNION ALL
        SELECT refobjid, refobjsubid, 'PUBLICATION', pubname::text
        FROM pg_depend JOIN pg_publication_rel ON classid = 'pg_publication_rel'::regclass
                                               AND pg_publication_rel.oid = objid
        JOIN pg_publication ON pg_publication.oid = prpubid WHERE refobjsubid > 0
    ) AS found
    JOIN pg_class AS class ON class.oid = found.refobjid
    JOIN pg_namespace AS space ON space.oid = class.relnamespace
    LEFT JOIN pg_attribute ON attrelid = class.oid AND attnum = found.refobjsubid AND found.refobjsubid > 0
    WHERE space.nspname NOT IN ('pg_catalog', 'information_schema')
    GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 5, 6
"""
# What goes with the table that it stands on, and is of no use without it.
OF_THE_TABLE = frozenset(
    {ObjectKind.COLUMN, ObjectKind.POLICY, ObjectKind.PUBLICATION, ObjectKind.RULE, ObjectKind.TRIGGER}
)
# What a change of type leaves as it is: a list of columns goes by their names, and functions are read again.
REGARDLESS = frozenset({ObjectKind.FUNCTION, ObjectKind.PUBLICATION})
RELATIONS = frozenset({ObjectKind.VIEW, ObjectKind.MATERIALIZED_VIEW})

Drop = DropColumn | DropTable | DropObject


class Dependent(NamedTuple):
    """Something that uses a column (`column` is empty where it uses the table as such)."""

    column: str
    kind: ObjectKind
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


class Dependents:
    """Follows what hangs on the tables that a plan changes."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self.connection = connection
        # What the plan itself drops or makes: of that only the statements tell.
        self._touched: set[str] = set()

    def told(self, change: Change) -> Iterator[Change]:
        """Return what a change takes along, or cannot be done for, and take note of it."""
        if isinstance(change, Drop):
            yield from self._dropped(change)
        elif isinstance(change, AlterType):
            yield from self._typed(change)
        if isinstance(change, DropObject | CreateObject | RenameObject):
            self._touched.add(change.table)

    def _dropped(self, change: Drop) -> Iterator[Change]:
        if isinstance(change, DropObject) and change.kind not in RELATIONS:
            return
        statement = described(change)
        found = self._of(change.table)
        if isinstance(change, DropColumn):
            found = self._of_column(change.table, change.column)
        if found and not change.cascades:
            reason = _("{names} would have to go first, and it says no CASCADE").format(names=listed(found))
            yield Refusal(table=change.table, statement=statement, reason=reason)
            return
        for one in found:
            along = DropObject(table=one.name, kind=one.kind, along=statement, cascades=True)
            yield along
            yield from self.told(along)

    def _typed(self, change: AlterType) -> Iterator[Change]:
        found = [one for one in self._of_column(change.table, change.column) if stands_in_the_way(one)]
        if found:
            statement = f"ALTER TABLE {change.table} ALTER COLUMN {change.column} TYPE {change.new}"
            reason = _("{names} uses the column: drop it before and make it again after, in the same migration")
            yield Refusal(table=change.table, statement=statement, reason=reason.format(names=listed(found)))

    def _of_column(self, table: str, column: str) -> list[Dependent]:
        """Return what uses a column and is still as it was."""
        return [one for one in self._standing(table) if one.column == column]

    def _of(self, table: str) -> list[Dependent]:
        """Return what uses a table and would be left without it."""
        return [one for one in self._standing(table) if one.kind not in OF_THE_TABLE]

    def _standing(self, table: str) -> Iterator[Dependent]:
        known = self._known.get(table.replace('"."', "."), ())
        # A bridge stands aside for what is done to its column.
        return (one for one in known if one.name not in self._touched and not one.name.startswith(FILL_TRIGGER))

    @functools.cached_property
    def _known(self) -> dict[str, list[Dependent]]:
        if self.connection.vendor != "postgresql" or self.connection.connection is None:
            return {}
        try:
            with undone(self.connection), self.connection.cursor() as cursor:
                cursor.execute(DEPENDENTS)
                rows = cursor.fetchall()
        except Error:
            return {}
        known: dict[str, list[Dependent]] = {}
        for schema, table, column, is_visible, kind, name in rows:
            for spelled in [f"{schema}.{table}", *([table] if is_visible else [])]:
                known.setdefault(spelled, []).append(Dependent(column, ObjectKind(kind), name))
        return known


def stands_in_the_way(one: Dependent) -> bool:
    """Return whether the type of a column cannot change for something that uses it."""
    # The schema editor of django-pgtrigger drops its own triggers and makes them again.
    is_handled = one.kind is ObjectKind.TRIGGER and one.name.startswith("pgtrigger_")
    return one.kind not in REGARDLESS and not is_handled


def described(change: Drop) -> str:
    """Write what drops something, without how its name is quoted."""
    if isinstance(change, DropColumn):
        return f"ALTER TABLE {change.table} DROP COLUMN {change.column}"
    return f"DROP {change.kind if isinstance(change, DropObject) else 'TABLE'} {change.table}"


def listed(found: list[Dependent]) -> str:
    """Name several things, each once."""
    return ", ".join(dict.fromkeys(map(str, found)))
