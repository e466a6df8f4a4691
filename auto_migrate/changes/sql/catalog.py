"""What is known beside the statement itself: the models' tables, and what a database says if one is connected."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, TypedDict

from django.db import Error
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.regex_helper import _lazy_re_compile

from auto_migrate.changes.collected_sql import undone
from auto_migrate.changes.constraints import ConstraintKind
from auto_migrate.changes.sql.nodes import name_of

COLUMN = """
    SELECT format_type(atttypid, atttypmod), coalesce(quote_ident(collname), ''), attnotnull,
           atthasdef OR attidentity <> '' OR typdefault IS NOT NULL,
           EXISTS (SELECT FROM pg_index WHERE indrelid = attrelid AND indkey[0] = attnum AND indnkeyatts = 1
                                              AND indisunique AND indpred IS NULL),
           EXISTS (SELECT FROM pg_index WHERE indrelid = attrelid AND attnum = ANY (indkey::int2[])
                                              AND (indisprimary OR indisreplident))
           OR EXISTS (SELECT FROM pg_inherits JOIN pg_attribute AS parent ON parent.attrelid = inhparent
                      WHERE inhrelid = own.attrelid AND parent.attname = own.attname AND parent.attnotnull),
           typtype = 'd',
           coalesce(pg_get_expr(adbin, adrelid), typdefault, '')
    FROM pg_attribute AS own LEFT JOIN pg_type ON pg_type.oid = atttypid
    LEFT JOIN pg_collation ON pg_collation.oid = attcollation AND attcollation <> typcollation
    LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE attrelid = to_regclass(%s) AND attname = %s AND NOT attisdropped
"""
CONSTRAINTS = """
    SELECT contype::text, coalesce(target.relname, ''), conname,
           ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = conrelid AND attnum = ANY (conkey)),
           conparentid <> 0
    FROM pg_constraint LEFT JOIN pg_class AS target ON target.oid = confrelid WHERE conrelid = to_regclass(%s)
"""
KEYS_TO = """
    SELECT class.relname, conname,
           ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = conrelid AND attnum = ANY (conkey))
    FROM pg_constraint JOIN pg_class AS class ON class.oid = conrelid
    JOIN pg_attribute ON attrelid = confrelid AND attname = %s AND attnum = ANY (confkey)
    WHERE contype = 'f' AND confrelid = to_regclass(%s) AND conparentid = 0 ORDER BY 1, 2
"""
UNVALIDATED = "SELECT FROM pg_constraint WHERE conrelid = to_regclass(%s) AND conname = %s AND NOT convalidated"
KINDS = {
    "c": ConstraintKind.CHECK,
    "f": ConstraintKind.FOREIGN_KEY,
    "p": ConstraintKind.PRIMARY_KEY,
    "u": ConstraintKind.UNIQUE,
    "x": ConstraintKind.EXCLUSION,
}
COLUMNS_OF_INDEX = """
    SELECT attname FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey::int2[])
    WHERE indexrelid = to_regclass(%s) ORDER BY attnum
"""
# What has been validated, and what it says; a NOT NULL that was not (PostgreSQL 18) is no proof.
VALID_CHECKS = """
    SELECT conname, pg_get_expr(conbin, conrelid) FROM pg_constraint
    WHERE conrelid = to_regclass(%s) AND contype = 'c' AND convalidated ORDER BY 1
"""
CHECKS_OF_COLUMN = """
    SELECT pg_get_expr(conbin, conrelid) FROM pg_constraint
    JOIN pg_attribute ON attrelid = conrelid AND attnum = ANY (conkey)
    WHERE conrelid = to_regclass(%s) AND attname = %s AND contype = 'c'
"""
# A default that is the same for all rows, as PostgreSQL shows it.
SAME_FOR_ALL = _lazy_re_compile(r"\(?(?:'(?:[^']|'')*'|-?[\d.]+|true|false)\)?(?:::[\w\s().\[\]\",]+)?")
INDEXED = """
    SELECT EXISTS (
        SELECT FROM pg_index WHERE indrelid = attrelid AND (
            attnum = ANY (indkey::int2[]) OR EXISTS (
                SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = indexrelid
                                        AND refobjid = indrelid AND refobjsubid = attnum)))
    FROM pg_attribute WHERE attname = %s AND attrelid = to_regclass(%s) AND NOT attisdropped
"""
TABLE_OF_INDEX = (
    "SELECT relname FROM pg_index JOIN pg_class ON pg_class.oid = indrelid WHERE indexrelid = to_regclass(%s)"
)
VOLATILITY = "SELECT DISTINCT provolatile::text FROM pg_proc WHERE proname = %s"
DOMAIN = """
    SELECT typnotnull OR EXISTS (SELECT FROM pg_constraint WHERE contypid = pg_type.oid)
    FROM pg_type WHERE oid = to_regtype(%s) AND typtype = 'd'
"""


class TableName(TypedDict):
    """The table of a change and its model, as changes name them."""

    table: str
    model: str


@dataclasses.dataclass(frozen=True)
class CatalogColumn:
    """A column as the database has it now; `held` tells whether a key or a parent needs its NOT NULL."""

    type: str
    collation: str
    not_null: bool
    default: bool
    unique: bool
    held: bool
    domain: bool
    expression: str


class Binding(NamedTuple):
    """Whether a row cannot be written without a column, or not the next one, and whether that cannot be loosened."""

    required: bool
    held: bool


@dataclasses.dataclass(frozen=True)
class Constraint:
    """A constraint as the database has it now; `references` is the table that a foreign key points to."""

    kind: ConstraintKind | None
    references: str
    name: str
    columns: tuple[str, ...]
    inherited: bool = False
    """Whether it comes with one of a partitioned table."""


@dataclasses.dataclass(frozen=True)
class Catalog:
    """The models' tables, table → `app_label.ModelName`, and a connection, which is asked only while it is open."""

    connection: BaseDatabaseWrapper
    tables: Mapping[str, str]

    def place(self, relation: Any) -> TableName:
        """Name the table that a statement speaks of, and its model if it has one."""
        return self.placed(name_of(relation))

    def placed(self, table: str) -> TableName:
        """Return a table by its name together with its model."""
        schema, _dot, bare = table.rpartition(".")
        # A project writes `schema"."table` for a table in another schema.
        spelled = [table, f'{schema or "public"}"."{bare}']
        return TableName(table=table, model=next((self.tables[name] for name in spelled if name in self.tables), ""))

    def column(self, table: str, name: str) -> CatalogColumn | None:
        """Describe a column that is there."""
        found = self._ask(COLUMN, self._quoted(table), name)
        return CatalogColumn(*found[0]) if found else None

    def constraints(self, table: str) -> list[Constraint]:
        """Return the constraints that a table has."""
        return [
            Constraint(KINDS.get(kind), references, name, tuple(columns), inherited)
            for kind, references, name, columns, inherited in self._ask(CONSTRAINTS, self._quoted(table))
        ]

    def is_unvalidated(self, table: str, constraint: str) -> bool:
        """Return whether the database has a constraint of that name to which it never held the old rows."""
        return bool(self._ask(UNVALIDATED, self._quoted(table), constraint))

    def references(self, table: str) -> tuple[str, ...]:
        """Name the other tables that foreign keys of a table point to."""
        return tuple(sorted({key.references for key in self.constraints(table)} - {"", table}))

    def reference(self, table: str, column: str) -> str:
        """Name the table that the foreign key of a column points to, or nothing."""
        keys = (key.references for key in self.constraints(table) if key.references and column in key.columns)
        return next(keys, "")

    def binding(self, table: str, column: str) -> Binding | None:
        """Return what binds writers who do not know a column that is there."""
        there = self.column(table, column)
        if there is None:
            return None
        is_repeated = there.unique and SAME_FOR_ALL.fullmatch(there.expression) is not None
        is_refused = self._is_refused(table, column, there)
        required = (there.not_null or is_refused) and (not there.default or is_repeated)
        return Binding(required, required and (there.held or is_refused or there.default))

    def _is_refused(self, table: str, column: str, there: CatalogColumn) -> bool:
        """Return whether a domain or a CHECK refuses NULL, whatever the column itself takes."""
        if there.domain and not self._ask(f"SELECT CAST(NULL AS {there.type})"):
            return True
        name = self.connection.ops.quote_name(column)
        alone = f"(SELECT CAST(NULL AS {there.type}) AS {name}) AS alone"
        for (condition,) in self._ask(CHECKS_OF_COLUMN, self._quoted(table), column):
            # Of what speaks of other columns as well, only its words tell.
            said = {f"{name} IS NOT NULL", f"{column} IS NOT NULL"}
            if said.intersection(all_said(condition)) or self._ask(f"SELECT FROM {alone} WHERE ({condition}) IS FALSE"):
                return True
        return False

    def keys_to(self, table: str, column: str) -> list[tuple[str, Constraint]]:
        """Return the foreign keys that point to a column, each with its table."""
        return [
            (own, Constraint(ConstraintKind.FOREIGN_KEY, table, name, tuple(columns)))
            for own, name, columns in self._ask(KEYS_TO, column, self._quoted(table))
        ]

    def table_of_index(self, index: str) -> str:
        """Name the table that an index is on, or nothing."""
        return "".join(str(table) for (table,) in self._ask(TABLE_OF_INDEX, self._quoted(index)))

    def columns_of_index(self, index: str) -> tuple[str, ...]:
        """Name the columns of an index, nothing if there is none."""
        return tuple(str(column) for (column,) in self._ask(COLUMNS_OF_INDEX, self._quoted(index)))

    def proofs_of_not_null(self, table: str, column: str) -> Iterator[str]:
        """Name the validated CHECK constraints that let no NULL into a column."""
        wanted = f"{self.connection.ops.quote_name(column)} IS NOT NULL"
        for name, condition in self._ask(VALID_CHECKS, self._quoted(table)):
            if any(said in {wanted, f"{column} IS NOT NULL"} for said in all_said(condition)):
                yield name

    def is_indexed(self, table: str, column: str) -> bool | None:
        """Return whether an index uses a column, None if nobody can be asked."""
        return next((bool(found) for (found,) in self._ask(INDEXED, column, self._quoted(table))), None)

    def is_constrained_domain(self, type_: str) -> bool:
        """Return whether a type is a domain that refuses some values."""
        return any(constrained for (constrained,) in self._ask(DOMAIN, type_))

    def volatility(self, function: str) -> str:
        """Return `i`, `s` or `v`, the worst that a function of that name has; nothing if there is none."""
        return max((str(found) for (found,) in self._ask(VOLATILITY, function)), default="")

    def _quoted(self, name: str) -> str:
        return ".".join(self.connection.ops.quote_name(part) for part in name.split("."))

    def _ask(self, query: str, *parameters: str) -> list[tuple[Any, ...]]:
        # A plan is also read without a database, and what cannot be asked is only known less well.
        if self.connection.connection is None:
            return []
        try:
            with undone(self.connection), self.connection.cursor() as cursor:
                cursor.execute(query, parameters or None)
                return list(cursor.fetchall())
        except (Error, ValueError):
            return []


def all_said(condition: str) -> Iterator[str]:
    """Return the parts of a condition that all have to hold, as PostgreSQL writes it out (`pg_get_expr`)."""
    within = condition[1:-1] if condition.startswith("(") and closes_last(condition) else condition
    depth, start = 0, 0
    for place, sign in enumerate(within):
        depth += (sign == "(") - (sign == ")")
        if depth == 0 and within.startswith(" AND ", place):
            yield from all_said(within[start:place])
            start = place + len(" AND ")
    if start:
        yield from all_said(within[start:])
    elif within != condition:
        yield from all_said(within)
    else:
        yield condition


def closes_last(text: str) -> bool:
    """Return whether the bracket that a text begins with is closed by its last sign."""
    depth = 0
    for place, sign in enumerate(text):
        depth += (sign == "(") - (sign == ")")
        if depth == 0:
            return place == len(text) - 1
    return False
