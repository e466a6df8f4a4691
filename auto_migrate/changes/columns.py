"""New columns as changes: what fills them, and what Django's field brings along."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.db.backends.utils import strip_quotes
from django.db.models import ForeignKey, Value
from django.utils.regex_helper import _lazy_re_compile

from auto_migrate.changes.change import AddColumn, Default, DropConstraint
from auto_migrate.changes.constraints import ConstraintKind

# PostgreSQL's own functions and those of its extensions that give each row a value of its own (pg_proc.provolatile).
VOLATILE_FUNCTIONS = frozenset(
    {
        "clock_timestamp", "currval", "gen_random_bytes", "gen_random_uuid", "lastval", "nextval", "rand", "random",
        "random_normal", "setval", "timeofday", "uuid", "uuid_generate_v1", "uuid_generate_v1mc", "uuid_generate_v4",
        "uuidv4", "uuidv7",
    }
)  # fmt: skip
CALLED = _lazy_re_compile(r"\b(\w+)\"?\s*\(")
# NULL itself, or a cast of it.
NULL = _lazy_re_compile(r"[(\s]*(CAST\s*\([(\s]*)?NULL\b(?!\s+IS\b)", re.IGNORECASE)
AUTO_FIELDS = frozenset({"AutoField", "BigAutoField", "SmallAutoField"})


def calls_volatile(sql: str) -> bool:
    """Return whether an expression calls a function that is known to give each row a value of its own."""
    return any(name.lower() in VOLATILE_FUNCTIONS for name in CALLED.findall(sql))


def is_auto(field: Any) -> bool:
    """Return whether the database numbers the field's column by itself."""
    return field.get_internal_type() in AUTO_FIELDS


def has_database_default(field: Any, editor: Any) -> bool:
    """Return whether the database fills the column for writers that leave it out; with NULL it fills nothing."""
    if field.has_db_default():
        return not NULL.match(db_default(field, editor))
    return bool(field.generated or is_auto(field))


def db_default(field: Any, editor: Any) -> str:
    """Write the default of a column as SQL does."""
    sql, params = editor.db_default_sql(field)
    return str(sql % tuple("NULL" if value is None else "***" for value in params)) if params else str(sql)


def default_of(field: Any, editor: Any) -> Default:
    """Return what fills a new column in the rows that are there already, without calling the project's own defaults."""
    if field.generated:
        return Default.GENERATED if field.db_persist else Default.NONE
    if is_auto(field):
        return Default.VOLATILE
    if field.has_db_default():
        if not has_database_default(field, editor):
            return Default.NONE
        if isinstance(field._db_default_expression, Value):
            return Default.CONSTANT
        sql = db_default(field, editor)
        return Default.VOLATILE if calls_volatile(sql) else Default.CONSTANT
    # Django calls a default once for the whole statement, so that all rows get the same value.
    given = field.default if field.has_default() else editor._effective_default(field)
    return Default.NONE if given is None else Default.CONSTANT


def is_required(field: Any, editor: Any) -> bool:
    """Return whether a row, or the next one, cannot be written without a value for the column."""
    if field.null or field.generated:
        return False
    return not has_database_default(field, editor) or (field.unique and default_of(field, editor) is Default.CONSTANT)


def constrained_table(field: Any, editor: Any) -> str:
    """Name the table that the field's foreign key constraint points to, or nothing."""
    if not (field.remote_field and editor.connection.features.supports_foreign_keys and field.db_constraint):
        return ""
    return str(field.remote_field.model._meta.db_table)


def added(model: Any, field: Any, editor: Any) -> AddColumn:
    """Return the change that adds a field's column."""
    parameters = field.db_parameters(connection=editor.connection)
    return AddColumn(
        table=model._meta.db_table,
        model=model._meta.label,
        column=field.column,
        field=field.name,
        type=parameters["type"],
        null=field.null or field.generated,
        default=default_of(field, editor),
        keeps_default=has_database_default(field, editor),
        unique=field.unique and not field.primary_key,
        checked=bool(parameters["check"]),
        primary_key=field.primary_key,
        references=constrained_table(field, editor),
        definition=field,
    )


def keys_dropped(field: Any, editor: Any) -> Iterator[DropConstraint]:
    """Return the foreign keys that are dropped together with the column that they point to."""
    for relation in field.model._meta.get_fields(include_hidden=True):
        key = getattr(relation, "field", None)
        if not relation.auto_created or not isinstance(key, ForeignKey) or key.target_field != field:
            continue
        if references := constrained_table(key, editor):
            name = editor._fk_constraint_name(key.model, key, "_fk_%(to_table)s_%(to_column)s")
            yield DropConstraint(
                table=key.model._meta.db_table,
                model=key.model._meta.label,
                name=strip_quotes(str(name)),
                kind=ConstraintKind.FOREIGN_KEY,
                columns=(key.column,),
                references=references,
            )
