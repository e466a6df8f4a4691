"""What an operation does to a column beside giving it another type, done to the column that takes its place.

So it is there before the swap, and a row that is refused is refused while all can be put back.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable

from django.utils.regex_helper import _lazy_re_compile

from auto_migrate.applying.online import check_constraints, index_steps, not_null, removals, unique_constraints
from auto_migrate.applying.online.quoted_names import NAME, QUOTED, unquoted
from auto_migrate.applying.online.replaced_column import ColumnIndex, ReplacedColumn

Reader = Callable[[str, ReplacedColumn], ReplacedColumn | None]

ALTER = _lazy_re_compile(
    rf"ALTER TABLE (?P<table>{NAME}) ALTER COLUMN (?P<column>{QUOTED}) "
    r"(?:(?P<null>DROP NOT NULL)|SET DEFAULT (?P<default>.*))",
    re.DOTALL,
)
REMARK = _lazy_re_compile(
    rf"COMMENT ON COLUMN (?P<table>{NAME})\.(?P<column>{QUOTED}) IS (?:NULL|'(?P<text>(?:[^'\\]|'')*)')"
)
# Of a class of operators there may be one.
ONE = _lazy_re_compile(rf"\((?P<column>{QUOTED})(?: [a-z_]+)?\)")


def with_companions(facts: ReplacedColumn, statements: Iterable[str]) -> tuple[ReplacedColumn, list[str]]:
    """Return what hangs on a column after statements that are about it alone, and those that are not."""
    left = []
    for statement in statements:
        changed = next((found for reader in READERS if (found := reader(statement, facts)) is not None), None)
        if changed is None:
            left.append(statement)
        else:
            facts = changed
    return facts, left


def altered(statement: str, facts: ReplacedColumn) -> ReplacedColumn | None:
    """Read what lets the column be NULL, and another default."""
    found = ALTER.fullmatch(statement)
    if found is None or not is_of(found, facts):
        return None
    if found["null"]:
        return dataclasses.replace(facts, required=False)
    return dataclasses.replace(facts, default=found["default"])


def filled(statement: str, facts: ReplacedColumn) -> ReplacedColumn | None:
    """Read what is put where NULL is."""
    found = not_null.FILL.fullmatch(statement)
    if found is None or not is_of(found, facts) or "$" in found["value"]:
        return None
    return dataclasses.replace(facts, value=found["value"])


def required(statement: str, facts: ReplacedColumn) -> ReplacedColumn | None:
    """Read `SET NOT NULL`."""
    found = not_null.SET.fullmatch(statement)
    if found is None or not is_of(found, facts):
        return None
    return dataclasses.replace(facts, required=True, becomes_required=True)


def remarked(statement: str, facts: ReplacedColumn) -> ReplacedColumn | None:
    """Read a comment on the column."""
    found = REMARK.fullmatch(statement)
    if found is None or not is_of(found, facts):
        return None
    return dataclasses.replace(facts, comment=found["text"].replace("''", "'") if found["text"] else None)


def index_created(statement: str, facts: ReplacedColumn) -> ReplacedColumn | None:
    """Read an index on the column alone."""
    found = index_steps.CREATE.fullmatch(statement)
    if found is None or found["unique"] or found["table"] != facts.table:
        return None
    return with_index(facts, found["name"], found["rest"].strip(), "", "")


def unique_added(statement: str, facts: ReplacedColumn) -> ReplacedColumn | None:
    """Read a unique constraint on the column alone."""
    found = unique_constraints.ADD.fullmatch(statement)
    if found is None or found["table"] != facts.table or any(found.group("nulls", "include", "tablespace")):
        return None
    return with_index(facts, found["name"], found["columns"], "u", found["deferrable"] or "")


def with_index(
    facts: ReplacedColumn, name: str, columns: str, constraint: str, deferrable: str
) -> ReplacedColumn | None:
    """Return the column with one more index, written as the server writes it."""
    one = ONE.fullmatch(columns)
    if one is None or one["column"] != facts.column:
        return None
    definition = f"CREATE INDEX {name} ON {facts.table} USING btree {columns}"
    index = ColumnIndex(unquoted(name), definition, bool(constraint), constraint, deferrable)
    return dataclasses.replace(facts, indexes=[*facts.indexes, index])


def check_added(statement: str, facts: ReplacedColumn) -> ReplacedColumn | None:
    """Read a CHECK constraint, which an operation on one column only has about that."""
    found = check_constraints.ADD.fullmatch(statement)
    if found is None or found["table"] != facts.table or "'" in found["condition"]:
        return None
    check = (unquoted(found["name"]), f"CHECK ({found['condition']})")
    return dataclasses.replace(facts, checks=[*facts.checks, check])


def removed(statement: str, facts: ReplacedColumn) -> ReplacedColumn | None:
    """Read what drops an index, or a constraint that is no foreign key: its like is not made for the new column."""
    found = index_steps.DROP.fullmatch(statement) or removals.CONSTRAINT.fullmatch(statement)
    if found is None or found.groupdict().get("table", facts.table) != facts.table:
        return None
    name = unquoted(found["name"])
    indexes = [index for index in facts.indexes if index.name != name]
    checks = [check for check in facts.checks if check[0] != name]
    if (len(indexes), len(checks)) == (len(facts.indexes), len(facts.checks)):
        return None
    return dataclasses.replace(facts, indexes=indexes, checks=checks)


def is_of(found: re.Match[str], facts: ReplacedColumn) -> bool:
    """Return whether a statement is about the column."""
    return (found["table"], found["column"]) == (facts.table, facts.column)


READERS: tuple[Reader, ...] = (altered, filled, required, remarked, index_created, unique_added, check_added, removed)
