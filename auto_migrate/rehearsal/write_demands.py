"""What tables look like to whoever writes to them, and what a migration demands of writers that it did not before."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.translation import gettext as _

from auto_migrate.safety.hazards.am303_type_narrowed import narrows
from auto_migrate.workload.statement import RecordedStatement
from auto_migrate.workload.usage import Usage

COLUMNS = """
    SELECT class.oid, CASE WHEN nspname IN ('public', current_schema()) THEN '' ELSE nspname || '.' END || relname,
           attnum, attname::text, format_type(atttypid, atttypmod), attnotnull AND NOT EXISTS (
               SELECT FROM pg_trigger JOIN pg_depend ON classid = 'pg_trigger'::regclass AND objid = pg_trigger.oid
               WHERE tgrelid = attrelid AND starts_with(tgname, 'auto_migrate_fill_')
                 AND refobjid = attrelid AND refobjsubid = attnum),
           atthasdef OR attidentity <> '' OR attgenerated <> ''
    FROM pg_class AS class JOIN pg_namespace AS schema ON schema.oid = relnamespace
    JOIN pg_attribute ON attrelid = class.oid AND attnum > 0 AND NOT attisdropped
    WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' AND relkind IN ('r', 'p', 'v', 'm', 'f')
"""
# What refuses rows: constraints, and unique indexes that are none. A key of its own is one of the index, too.
RULES = """
    SELECT 'c' || oid, conrelid, conname::text, coalesce(conkey, '{}')::int[] FROM pg_constraint
    WHERE contype IN ('c', 'f', 'u', 'x', 'p') AND conrelid <> 0
    UNION ALL
    SELECT 'i' || indexrelid, indrelid, relname::text, indkey::int2[]::int[] FROM pg_index
    JOIN pg_class ON pg_class.oid = indexrelid
    WHERE indisunique AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('u', 'p'))
"""

# Bits of `tgtype` (src/include/catalog/pg_trigger.h): for each row 1, before 2, insert 4, update 16.
TRIGGERED = """
    SELECT DISTINCT tgrelid FROM pg_trigger
    WHERE NOT tgisinternal AND tgenabled <> 'D' AND tgtype & 3 = 3 AND tgtype & 20 <> 0
      AND NOT starts_with(tgname, 'auto_migrate_fill_')
"""


@dataclasses.dataclass(frozen=True)
class WrittenColumn:
    """A column as writers see it; `filled` tells whether the database has something for those that leave it out."""

    name: str
    type: str
    required: bool
    filled: bool


@dataclasses.dataclass(frozen=True)
class WriteRule:
    """A constraint or unique index of a table, and the numbers of its columns; 0 stands for an expression."""

    table: int
    name: str
    columns: tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class TableShapes:
    """All tables at one moment, by what stays the same when they are renamed: their and their columns' numbers.

    Those that are `triggered` change rows before they are written.
    """

    names: Mapping[int, str]
    triggered: frozenset[int]
    columns: Mapping[int, Mapping[int, WrittenColumn]]
    rules: Mapping[str, WriteRule]

    def of(self, table: str) -> frozenset[str] | None:
        """Return the columns of a table, None where there is no such table."""
        found = next((oid for oid, name in self.names.items() if name == table), None)
        return None if found is None else frozenset(column.name for column in self.columns[found].values())


@dataclasses.dataclass(frozen=True)
class Demand:
    """What a statement does not meet: at which column of which table, and whether that is certain."""

    table: str
    column: str
    reason: str
    certain: bool = True


def shapes(connection: BaseDatabaseWrapper) -> TableShapes:
    """Look at all tables."""
    names: dict[int, str] = {}
    columns: dict[int, dict[int, WrittenColumn]] = {}
    with connection.cursor() as cursor:
        cursor.execute(COLUMNS)
        for oid, table, number, *told in cursor.fetchall():
            names[oid] = table
            columns.setdefault(oid, {})[number] = WrittenColumn(*told)
        cursor.execute(RULES)
        rules = {key: WriteRule(table, name, tuple(numbers)) for key, table, name, numbers in cursor.fetchall()}
        cursor.execute(TRIGGERED)
        triggered = frozenset(table for (table,) in cursor.fetchall())
    return TableShapes(names, triggered, columns, rules)


def changed_tables(before: TableShapes, after: TableShapes) -> set[str]:
    """Name the tables that are not as they were, by the names that they had and have."""
    touched = {oid for oid in {*before.names, *after.names} if _shape(before, oid) != _shape(after, oid)}
    touched |= {rule.table for key, rule in {**before.rules, **after.rules}.items() if _one_sided(key, before, after)}
    return {shape.names[oid] for oid in touched for shape in (before, after) if oid in shape.names}


def _shape(at: TableShapes, oid: int) -> object:
    return at.names.get(oid), at.columns.get(oid)


def _one_sided(key: str, before: TableShapes, after: TableShapes) -> bool:
    return (key in before.rules) is not (key in after.rules)


def culprit(usage: Usage, before: TableShapes, after: TableShapes) -> tuple[str, str]:
    """Return the table and the column that a statement uses and that are gone, renamed or of another type by now."""
    for oid, table in before.names.items():
        if not usage.touches(table):
            continue
        if after.names.get(oid) != table:
            return table, ""
        for number, column in before.columns[oid].items():
            now = after.columns[oid].get(number)
            is_same = now is not None and (now.name, now.type) == (column.name, column.type)
            if not is_same and usage.names_column(table, column.name):
                return table, column.name
    return "", ""


def unmet(statement: RecordedStatement, usage: Usage, before: TableShapes, after: TableShapes) -> Iterator[Demand]:
    """Return what a statement that can be planned is refused for when it writes, the certain first.

    Statements and `usage` speak of the tables as they were `before`.
    """
    found = [
        demand
        for oid, table in before.names.items()
        if usage.touches(table) and oid in after.names
        for demand in (
            *_of_columns(statement, usage, table, before.columns[oid], after.columns[oid]),
            *_of_rules(usage, oid, table, before, after),
        )
    ]
    # A trigger may make good what a statement lacks, and of what no parser reads nothing is certain.
    known = {before.names[oid] for oid in after.triggered if oid in before.names}
    for demand in sorted(found, key=lambda demand: not demand.certain):
        doubted = usage.guessed or demand.table in known
        yield dataclasses.replace(demand, certain=demand.certain and not doubted)


def _of_columns(
    statement: RecordedStatement,
    usage: Usage,
    table: str,
    before: Mapping[int, WrittenColumn],
    after: Mapping[int, WrittenColumn],
) -> Iterator[Demand]:
    for number, now in after.items():
        was = before.get(number)
        required = now.required and not now.filled
        if was is None:
            # Whoever names no columns does not give it a value either.
            if required and usage.inserted(table) is not None:
                yield Demand(table, now.name, _("the new column takes no NULL, has no default, and is left out"))
            continue
        if required and not (was.required and not was.filled) and usage.leaves_out(table, was.name):
            yield Demand(table, was.name, _("the column takes no NULL, has no default any more, and is left out"))
        if not usage.writes_column(table, was.name):
            continue
        if now.required and not was.required:
            yield from _null(usage.writes_null(table, was.name, statement.nulls), table, was.name)
        if narrows(was.type, now.type):
            names = {"old": was.type, "new": now.type}
            text = _("the column goes from {old} to {new}, which does not take all of the old values").format(**names)
            yield Demand(table, was.name, text, certain=False)


def _null(written: bool | None, table: str, column: str) -> Iterator[Demand]:
    if written:
        yield Demand(table, column, _("the column takes no NULL any more, and NULL was written"))
    elif written is None:
        yield Demand(table, column, _("the column takes no NULL any more, and NULL may be written"), certain=False)


def _of_rules(usage: Usage, oid: int, table: str, before: TableShapes, after: TableShapes) -> Iterator[Demand]:
    """Return the new constraints that hold for what a statement writes, unless they are on new columns alone."""
    # What is made again under another number was there before.
    known = {(rule.table, rule.name) for rule in before.rules.values()}
    for key, rule in after.rules.items():
        if rule.table != oid or key in before.rules or (oid, rule.name) in known:
            continue
        columns = [before.columns[oid][number].name for number in rule.columns if number in before.columns[oid]]
        written = [column for column in columns if usage.writes_column(table, column)]
        if 0 in rule.columns and usage.writes and usage.touches(table):
            written.append("")
        if written:
            text = _("{name} is new, and may refuse what is written").format(name=rule.name)
            yield Demand(table, written[0], text, certain=False)
