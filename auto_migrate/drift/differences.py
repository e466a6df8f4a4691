"""What sets a table that is there apart from the one that is expected."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterator

from auto_migrate.drift.table_shape import Column, TableConstraint, TableShape


class DifferenceKind(enum.StrEnum):
    """In which way something is not as expected."""

    MISSING = "missing"
    EXTRA = "extra"
    DIFFERENT = "different"
    INVALID = "invalid"
    """An index that a build left behind, and that no query uses."""
    NOT_VALID = "not_valid"
    """A constraint that holds new rows only."""
    BEHIND = "behind"
    """A sequence that will give a number which a row has."""
    UNKNOWN = "unknown"
    """Nobody can say, for the reason in `expected`."""


class ObjectType(enum.StrEnum):
    """What of a schema it is."""

    TABLE = "table"
    COLUMN = "column"
    DEFAULT = "default"
    COLLATION = "collation"
    COMMENT = "comment"
    CONSTRAINT = "constraint"
    INDEX = "index"
    SEQUENCE = "sequence"


@dataclasses.dataclass(frozen=True)
class Difference:
    """One difference; `expected` and `actual` are SQL, empty where there is nothing.

    Of a sequence they are the highest number that a row has and the next one that it gives, and of what is unknown
    `expected` is the reason.

    `table` is told without its schema, if it is found without; `name` is that of the column, constraint, index or
    sequence, empty for what Django has no name for, and for the table itself. `columns` are those that it is about.
    """

    table: str
    part: ObjectType
    kind: DifferenceKind
    name: str = ""
    expected: str = ""
    actual: str = ""
    columns: tuple[str, ...] = ()


def compare_tables(expected: TableShape, actual: TableShape | None) -> Iterator[Difference]:
    """Return each difference of one table."""
    name = expected.name
    if actual is None:
        yield Difference(name, ObjectType.TABLE, DifferenceKind.MISSING)
    elif not actual.is_table:
        yield Difference(name, ObjectType.TABLE, DifferenceKind.DIFFERENT, expected="TABLE", actual=KINDS[actual.kind])
    else:
        if expected.is_logged and not actual.is_logged:
            yield Difference(name, ObjectType.TABLE, DifferenceKind.DIFFERENT, expected="TABLE", actual=UNLOGGED)
        yield from _compare_comments(expected.name, expected.name, expected.comment, actual.comment)
        yield from _compare_columns(expected, actual)
        yield from _compare_rules(expected, actual)


UNLOGGED = "UNLOGGED TABLE"
# What may go by a table's name, as `TableShape.kind` says it.
KINDS = {
    "v": "VIEW",
    "m": "MATERIALIZED VIEW",
    "S": "SEQUENCE",
    "i": "INDEX",
    "I": "INDEX",
    "c": "TYPE",
    "t": "TABLE",
    "V": "VIRTUAL TABLE",
}


def _compare_columns(expected: TableShape, actual: TableShape) -> Iterator[Difference]:
    for name, column in expected.columns.items():
        there = actual.columns.get(name)
        if there is None:
            yield Difference(
                expected.name, ObjectType.COLUMN, DifferenceKind.MISSING, name, expected=str(column), columns=(name,)
            )
        else:
            yield from _compare_column(expected.name, column, there)
    for name, there in actual.columns.items():
        if name not in expected.columns:
            yield Difference(
                expected.name, ObjectType.COLUMN, DifferenceKind.EXTRA, name, actual=str(there), columns=(name,)
            )


def _compare_column(table: str, expected: Column, actual: Column) -> Iterator[Difference]:
    # Of a default and a collation that the code does not ask for its state says nothing.
    kind = expected.type if actual.type in expected.alike else actual.type
    seen = dataclasses.replace(actual, type=kind, comment=expected.comment)
    yield from _compare_comments(table, actual.name, expected.comment, actual.comment, (actual.name,))
    if expected.identity and actual.serial:
        seen = dataclasses.replace(seen, identity=actual.serial, default="")
    elif actual.default and not expected.default:
        seen = dataclasses.replace(seen, default="")
        yield _unasked(table, ObjectType.DEFAULT, actual.name, actual.default)
    if actual.collation and not expected.collation:
        seen = dataclasses.replace(seen, collation="")
        yield _unasked(table, ObjectType.COLLATION, actual.name, actual.collation)
    if dataclasses.replace(seen, is_proven=True) != expected:
        yield Difference(
            table, ObjectType.COLUMN, DifferenceKind.DIFFERENT, actual.name, str(expected), str(seen), (actual.name,)
        )
    elif not actual.is_proven:
        part, there = ObjectType.COLUMN, f"{actual} NOT VALID"
        yield Difference(table, part, DifferenceKind.NOT_VALID, actual.name, str(expected), there, (actual.name,))


def _compare_comments(
    table: str, name: str, expected: str, actual: str, columns: tuple[str, ...] = ()
) -> Iterator[Difference]:
    if expected != actual:
        kind = DifferenceKind.DIFFERENT if expected and actual else DifferenceKind.MISSING if expected else None
        yield Difference(table, ObjectType.COMMENT, kind or DifferenceKind.EXTRA, name, expected, actual, columns)


def _unasked(table: str, part: ObjectType, column: str, actual: str) -> Difference:
    return Difference(table, part, DifferenceKind.EXTRA, column, actual=actual, columns=(column,))


def _compare_rules(expected: TableShape, actual: TableShape) -> Iterator[Difference]:
    left = list(actual.rules)
    unmet = []
    # What is called by a name first, so that nothing nameless takes its place.
    for rule in sorted(expected.rules, key=lambda rule: not rule.name):
        found = next((other for other in left if rule.is_like(other) and rule.name in {"", other.name}), None)
        if found is None:
            unmet.append(rule)
            continue
        left.remove(found)
        if not found.is_valid:
            kind = DifferenceKind.INVALID if found.kind == "i" else DifferenceKind.NOT_VALID
            yield _told(expected.name, kind, rule, found)
    for rule in (rule for rule in unmet if not rule.is_implied):
        other = next((other for other in left if _takes_place_of(other, rule)), None)
        if other is None:
            yield _told(expected.name, DifferenceKind.MISSING, rule, None)
        else:
            left.remove(other)
            yield _told(expected.name, DifferenceKind.DIFFERENT, rule, other)
    for other in (other for other in left if not other.is_implied):
        yield _told(expected.name, DifferenceKind.EXTRA, None, other)


def _takes_place_of(other: TableConstraint, rule: TableConstraint) -> bool:
    """Return whether one is there in another's stead: it is called so, or is the same under another name or wording."""
    if other.name == rule.name or rule.is_like(other):
        return True
    return other.kind == rule.kind and rule.kind in "pf" and other.columns == rule.columns


def _told(
    table: str, kind: DifferenceKind, expected: TableConstraint | None, actual: TableConstraint | None
) -> Difference:
    rule = actual or expected
    assert rule is not None  # noqa: S101 # one of the two is given
    renamed = expected and actual and expected.name and expected.is_like(actual) and expected.name != actual.name
    return Difference(
        table,
        ObjectType.INDEX if rule.kind == "i" else ObjectType.CONSTRAINT,
        kind,
        (actual.name if actual else "") or (expected.name if expected else ""),
        f"{expected.name} {expected.definition}" if renamed and expected else expected.definition if expected else "",
        actual.definition if actual else "",
        rule.columns,
    )
