"""The schema as the catalog of PostgreSQL shows it, and as changes would leave it."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable
from functools import singledispatchmethod

from django.db.backends.base.base import BaseDatabaseWrapper

from auto_migrate.changes import change as c
from auto_migrate.changes.constraints import ConstraintKind

TABLES = """
    SELECT relname, pg_relation_filenode(oid) FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
"""
COLUMNS = """
    SELECT relname, attname, format_type(atttypid, atttypmod), attnotnull, atthasdef OR attidentity <> ''
    FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND attnum > 0 AND NOT attisdropped
"""
NAMES = "(SELECT array_agg(attname ORDER BY place) FROM unnest({keys}) WITH ORDINALITY AS key(number, place)"
CONSTRAINTS = f"""
    SELECT conrelid::regclass::text, contype, confrelid::regclass::text, convalidated,
           {NAMES.format(keys="conkey")} JOIN pg_attribute ON attnum = number AND attrelid = conrelid)
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype IN ('c', 'f', 'p', 'u', 'x')
"""
INDEXES = f"""
    SELECT indrelid::regclass::text, indisunique,
           {NAMES.format(keys="(indkey::int2[])[0:indnkeyatts - 1]")}
           JOIN pg_attribute ON attnum = number AND attrelid = indrelid)
    FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
    WHERE relnamespace = 'public'::regnamespace
      AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u', 'x'))
"""
KINDS = {
    "c": ConstraintKind.CHECK,
    "f": ConstraintKind.FOREIGN_KEY,
    "p": ConstraintKind.PRIMARY_KEY,
    "u": ConstraintKind.UNIQUE,
    "x": ConstraintKind.EXCLUSION,
}
SPELLED = {"varchar": "character varying", ", ": ","}


@dataclasses.dataclass(frozen=True)
class Column:
    """A column: its type, and whether it takes NULL and is filled by the database."""

    type: str
    null: bool
    filled: bool


@dataclasses.dataclass(frozen=True)
class Constraint:
    """A constraint without its name, which the server sometimes chooses."""

    table: str
    kind: ConstraintKind
    columns: tuple[str, ...]
    references: str = ""
    valid: bool = True


@dataclasses.dataclass(frozen=True)
class Index:
    """An index that no constraint has made."""

    table: str
    columns: tuple[str, ...]
    unique: bool = False


def spelled(kind: str) -> str:
    """Spell a type as the catalog does."""
    for short, long in SPELLED.items():
        kind = kind.replace(short, long)
    return kind


class Catalog:
    """The tables with their files, the columns, and how many constraints and indexes of each sort there are."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        with connection.cursor() as cursor:
            cursor.execute(TABLES)
            self.files: dict[str, int] = dict(cursor.fetchall())
            cursor.execute(COLUMNS)
            self.columns = {
                (table, name): Column(kind, not notnull, filled)
                for table, name, kind, notnull, filled in cursor.fetchall()
            }
            cursor.execute(CONSTRAINTS)
            self.constraints = Counter(
                Constraint(table, KINDS[kind], tuple(columns or ()), "" if other == "-" else other, valid)
                for table, kind, other, valid, columns in cursor.fetchall()
            )
            cursor.execute(INDEXES)
            self.indexes = Counter(
                Index(table, tuple(columns or ()), unique) for table, unique, columns in cursor.fetchall()
            )

    def without(self, tables: Iterable[str]) -> tuple[object, ...]:
        """Return all but the insides of some tables, to be compared."""
        hidden = set(tables)
        return (
            set(self.files),
            {key: column for key, column in self.columns.items() if key[0] not in hidden},
            Counter({one: n for one, n in self.constraints.items() if n and one.table not in hidden}),
            Counter({one: n for one, n in self.indexes.items() if n and one.table not in hidden}),
        )

    @singledispatchmethod
    def take(self, change: c.Change) -> None:
        """Do to the copy what a change does to the database."""
        raise AssertionError(f"Nothing is known of {change}.")

    @take.register
    def _(self, change: c.CreateTable) -> None:
        self.files[change.table] = 0

    @take.register
    def _(self, change: c.DropTable) -> None:
        del self.files[change.table]
        self.columns = {key: column for key, column in self.columns.items() if key[0] != change.table}
        self._keep_constraints(lambda one: change.table not in (one.table, one.references))
        self._keep_indexes(lambda one: one.table != change.table)

    @take.register
    def _(self, change: c.RenameTable) -> None:
        def now(table: str) -> str:
            return change.to if table == change.table else table

        self.files = {now(table): file for table, file in self.files.items()}
        self.columns = {(now(table), name): column for (table, name), column in self.columns.items()}
        self.constraints = counted(
            (dataclasses.replace(one, table=now(one.table), references=now(one.references)), n)
            for one, n in self.constraints.items()
        )
        self.indexes = counted((dataclasses.replace(one, table=now(one.table)), n) for one, n in self.indexes.items())

    @take.register
    def _(self, change: c.AddColumn) -> None:
        key = (change.table, change.column)
        self.columns[key] = Column(spelled(change.type), change.null, change.keeps_default)
        for kind, said in {
            ConstraintKind.UNIQUE: change.unique,
            ConstraintKind.CHECK: change.checked,
            ConstraintKind.PRIMARY_KEY: change.primary_key,
            ConstraintKind.FOREIGN_KEY: change.references,
        }.items():
            if said:
                references = change.references if kind is ConstraintKind.FOREIGN_KEY else ""
                self.constraints[Constraint(change.table, kind, (change.column,), references)] += 1

    @take.register
    def _(self, change: c.DropColumn) -> None:
        del self.columns[change.table, change.column]
        self._keep_constraints(lambda one: one.table != change.table or change.column not in one.columns)
        self._keep_indexes(lambda one: one.table != change.table or change.column not in one.columns)

    @take.register
    def _(self, change: c.RenameColumn) -> None:
        def now(table: str, columns: tuple[str, ...]) -> tuple[str, ...]:
            if table != change.table:
                return columns
            return tuple(change.to if name == change.column else name for name in columns)

        self.columns[change.table, change.to] = self.columns.pop((change.table, change.column))
        self.constraints = counted(
            (dataclasses.replace(one, columns=now(one.table, one.columns)), n) for one, n in self.constraints.items()
        )
        self.indexes = counted(
            (dataclasses.replace(one, columns=now(one.table, one.columns)), n) for one, n in self.indexes.items()
        )

    @take.register
    def _(self, change: c.AlterType) -> None:
        assert self.columns[change.table, change.column].type == spelled(change.old)
        self._column(change, type=spelled(change.new))

    @take.register
    def _(self, change: c.SetNotNull) -> None:
        self._column(change, null=False)

    @take.register
    def _(self, change: c.DropNotNull) -> None:
        self._column(change, null=True)

    @take.register
    def _(self, change: c.SetDefault) -> None:
        self._column(change, filled=True)

    @take.register
    def _(self, change: c.DropDefault) -> None:
        self._column(change, filled=False)

    @take.register
    def _(self, change: c.AddConstraint) -> None:
        if change.as_index:
            self.indexes[Index(change.table, change.columns, unique=True)] += 1
        else:
            self.constraints[
                Constraint(change.table, change.kind, change.columns, change.references, change.valid)
            ] += 1
        if change.kind is ConstraintKind.PRIMARY_KEY:
            (column,) = change.columns
            self.columns[change.table, column] = dataclasses.replace(self.columns[change.table, column], null=False)

    @take.register
    def _(self, change: c.DropConstraint) -> None:
        assert change.kind
        index = Index(change.table, change.columns, unique=True)
        constraint = Constraint(change.table, change.kind, change.columns, change.references)
        if self.constraints[constraint]:
            self.constraints[constraint] -= 1
        else:
            assert self.indexes[index], f"{change} is not there."
            self.indexes[index] -= 1

    @take.register
    def _(self, change: c.ValidateConstraint) -> None:
        (unproven,) = [one for one in self.constraints if one.table == change.table and not one.valid]
        del self.constraints[unproven]
        self.constraints[dataclasses.replace(unproven, valid=True)] += 1

    @take.register
    def _(self, change: c.CreateIndex) -> None:
        self.indexes[Index(change.table, change.columns, change.unique)] += 1

    @take.register
    def _(self, change: c.DropIndex) -> None:
        index = Index(change.table, change.columns)
        assert self.indexes[index], f"{change} is not there."
        self.indexes[index] -= 1

    def _column(self, change: c.ColumnChange, **now: object) -> None:
        key = (change.table, change.column)
        self.columns[key] = dataclasses.replace(self.columns[key], **now)  # type: ignore[arg-type]

    def _keep_constraints(self, kept: object) -> None:
        self.constraints = counted((one, n) for one, n in self.constraints.items() if kept(one))  # type: ignore[operator]

    def _keep_indexes(self, kept: object) -> None:
        self.indexes = counted((one, n) for one, n in self.indexes.items() if kept(one))  # type: ignore[operator]


def counted(pairs: Iterable[tuple[object, int]]) -> Counter:  # type: ignore[type-arg]
    """Count again what was renamed."""
    counts: Counter = Counter()  # type: ignore[type-arg]
    for one, n in pairs:
        counts[one] += n
    return counts
