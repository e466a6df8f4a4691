"""New columns: what fills them in the rows that are there, and what is said of them in the same breath."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from auto_migrate.changes.change import AddColumn, Default
from auto_migrate.changes.columns import VOLATILE_FUNCTIONS
from auto_migrate.changes.sql.catalog import Catalog, TableName
from auto_migrate.changes.sql.nodes import dotted, kind, name_of, within, written_type

SERIALS = frozenset({"serial", "bigserial", "smallserial", "serial2", "serial4", "serial8"})
VIRTUAL = "v"
# Functions of PostgreSQL that defaults are often made of, and that give all rows the same value.
STABLE_FUNCTIONS = frozenset(
    {
        "array_fill", "btrim", "char_length", "concat", "current_database", "current_schema", "current_setting",
        "date_part", "date_trunc", "decode", "encode", "extract", "floor", "format", "hstore", "int4range", "int8range",
        "json_build_array", "json_build_object", "jsonb_build_array", "jsonb_build_object", "left", "length", "lower",
        "lpad", "make_date", "make_interval", "make_timestamptz", "md5", "now", "numrange", "point", "regexp_replace",
        "repeat", "replace", "right", "round", "sha256", "statement_timestamp", "substr", "substring",
        "timezone", "to_char", "to_date", "to_json", "to_jsonb", "to_timestamp", "to_tsvector", "transaction_timestamp",
        "trim", "tstzrange", "upper",
    }
)  # fmt: skip


def column_added(definition: Any, place: TableName, known: Catalog, *, unsure: bool) -> AddColumn:
    """Return the change that a column's definition makes to a table that is there."""
    constraints = {constraint.contype.name: constraint for constraint in definition.constraints or ()}
    default = default_of(definition, constraints, known)
    key = constraints.get("CONSTR_FOREIGN")
    numbered = "CONSTR_IDENTITY" in constraints or dotted(definition.typeName.names) in SERIALS
    type_ = written_type(definition.typeName)
    return AddColumn(
        **place,
        column=definition.colname,
        type=type_,
        null=not (numbered or constraints.keys() & {"CONSTR_NOTNULL", "CONSTR_PRIMARY"}),
        default=default,
        keeps_default=numbered or "CONSTR_GENERATED" in constraints or default is not Default.NONE,
        unique="CONSTR_UNIQUE" in constraints,
        checked="CONSTR_CHECK" in constraints,
        primary_key="CONSTR_PRIMARY" in constraints,
        references=name_of(key.pktable) if key else "",
        constrained_domain=known.is_constrained_domain(type_),
        unsure=unsure,
    )


def default_of(definition: Any, constraints: dict[str, Any], known: Catalog) -> Default:
    """Return what fills a new column in the rows that are there already."""
    if generated := constraints.get("CONSTR_GENERATED"):
        return Default.NONE if generated.generated_kind == VIRTUAL else Default.GENERATED
    if "CONSTR_IDENTITY" in constraints or dotted(definition.typeName.names) in SERIALS:
        return Default.VOLATILE
    default = constraints.get("CONSTR_DEFAULT")
    if default is None or is_null(default.raw_expr):
        return Default.NONE
    return Default.VOLATILE if is_volatile(default.raw_expr, known) else Default.CONSTANT


def is_null(expression: Any) -> bool:
    """Return whether an expression is NULL, or a cast of it."""
    while kind(expression) == "TypeCast":
        expression = expression.arg
    return kind(expression) == "A_Const" and bool(expression.isnull)


def is_volatile(expression: Any, known: Catalog) -> bool:
    """Return whether an expression may be of another value for each row."""
    return any(function_is_volatile(name, known) for name in functions_in(expression))


def function_is_volatile(function: str, known: Catalog) -> bool:
    """Return whether a function may give another value each time; one that nobody knows may."""
    if function in VOLATILE_FUNCTIONS or function in STABLE_FUNCTIONS:
        return function in VOLATILE_FUNCTIONS
    return known.volatility(function) in {"", "v"}


def functions_in(node: Any) -> Iterable[str]:
    """Name the functions that are called in a statement or expression, without their schemas."""
    return _names(found for found in within(node) if kind(found) == "FuncCall")


def _names(calls: Iterable[Any]) -> Iterator[str]:
    return (dotted(call.funcname).rpartition(".")[2] for call in calls)
