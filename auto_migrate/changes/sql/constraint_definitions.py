"""Constraints as statements add and drop them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from auto_migrate.changes.change import AddConstraint, Change, DropConstraint, SetNotNull
from auto_migrate.changes.constraints import ConstraintKind
from auto_migrate.changes.sql.catalog import Catalog, Constraint, TableName
from auto_migrate.changes.sql.nodes import columns_in, conjuncts, kind, name_of, words, words_of_column, written

KINDS = {
    "CONSTR_CHECK": ConstraintKind.CHECK,
    "CONSTR_EXCLUSION": ConstraintKind.EXCLUSION,
    "CONSTR_FOREIGN": ConstraintKind.FOREIGN_KEY,
    "CONSTR_PRIMARY": ConstraintKind.PRIMARY_KEY,
    "CONSTR_UNIQUE": ConstraintKind.UNIQUE,
}
# How PostgreSQL names what nobody named (ChooseConstraintName).
ENDINGS = {
    ConstraintKind.CHECK: "check",
    ConstraintKind.EXCLUSION: "excl",
    ConstraintKind.FOREIGN_KEY: "fkey",
    ConstraintKind.PRIMARY_KEY: "pkey",
    ConstraintKind.UNIQUE: "key",
}


def constraint_added(constraint: Any, place: TableName, known: Catalog) -> Iterator[Change]:
    """Return the change that a table's constraint makes."""
    if constraint.contype.name == "CONSTR_NOTNULL":
        yield from not_null_added(constraint, place, known)
        return
    which = KINDS[constraint.contype.name]
    columns = columns_of(constraint)
    yield AddConstraint(
        **place,
        name=constraint.conname or constraint.indexname or named_after(place["table"], columns, which),
        kind=which,
        columns=columns,
        valid=not constraint.skip_validation,
        using_index=bool(constraint.indexname),
        index=constraint.indexname or "",
        sql=written(constraint),
        nulls_distinct=not constraint.nulls_not_distinct,
        not_null=refusing_null(constraint.raw_expr) if which is ConstraintKind.CHECK else (),
        references=name_of(constraint.pktable) if constraint.pktable else "",
    )


def refusing_null(condition: Any) -> tuple[str, ...]:
    """Name the columns of which a condition says, among what it says, that they are not NULL."""
    return tuple(
        words_of_column(part.arg)
        for part in conjuncts(condition)
        if kind(part) == "NullTest" and part.nulltesttype.name == "IS_NOT_NULL" and kind(part.arg) == "ColumnRef"
    )


def not_null_added(constraint: Any, place: TableName, known: Catalog) -> Iterator[Change]:
    """Return the change that `ADD CONSTRAINT … NOT NULL` makes (PostgreSQL 18), as a check if rows may hold NULL."""
    (column,) = words(constraint.keys)
    if constraint.skip_validation:
        name = constraint.conname or f"{place['table']}_{column}_not_null"
        yield AddConstraint(**place, name=name, kind=ConstraintKind.CHECK, columns=(column,), valid=False)
    else:
        yield not_null(place, column, known)


def not_null(place: TableName, column: str, known: Catalog) -> SetNotNull:
    """Return the change that refuses NULL from now on."""
    there = known.column(place["table"], column)
    return SetNotNull(**place, column=column, keeps_default=there is not None and there.default)


def columns_of(constraint: Any) -> tuple[str, ...]:
    """Name the columns that a constraint is on, as far as it says."""
    if constraint.contype.name == "CONSTR_CHECK":
        return columns_in(constraint.raw_expr)
    if constraint.contype.name == "CONSTR_EXCLUSION":
        return tuple(element.name for element, _operator in constraint.exclusions if element.name)
    return words(constraint.fk_attrs if constraint.contype.name == "CONSTR_FOREIGN" else constraint.keys)


def named_after(table: str, columns: tuple[str, ...], kind: ConstraintKind) -> str:
    """Return the name that PostgreSQL would give to a constraint."""
    named = () if kind is ConstraintKind.PRIMARY_KEY else columns
    return "_".join([table.rpartition(".")[2], *named, ENDINGS[kind]])


def constraint_dropped(name: str, place: TableName, known: Catalog) -> DropConstraint:
    """Return the change that drops a constraint, with what the database says of it."""
    there = next((found for found in known.constraints(place["table"]) if found.name == name), None)
    if there is None:
        return DropConstraint(**place, name=name)
    return dropped(there, place)


def dropped(there: Constraint, place: TableName) -> DropConstraint:
    """Return the change that drops a constraint which the database knows."""
    return DropConstraint(**place, name=there.name, kind=there.kind, columns=there.columns, references=there.references)
