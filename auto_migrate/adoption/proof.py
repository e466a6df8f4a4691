"""Which migrations of a plan the schema proves to have been applied.

Each table has versions along the plan, and is at the last of them that it equals. A migration is there if every table
that it changes is at that version or further, and everything that it depends on is there. Where that fails for one of
its tables, the others are not as far either: they go back to an earlier version that they equal as well, if there is
one, until nothing moves any more. A table that equals no version is told with what sets it apart from the nearest.

An index, a column or a constraint that no version knows says nothing about what was applied, and does not count. One
that another version has does, or else its removal would pass for done.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Mapping, Sequence

from auto_migrate.adoption.table_versions import Version, VersionedTable
from auto_migrate.drift.detection import unknown
from auto_migrate.drift.differences import Difference, DifferenceKind, ObjectType, compare_tables
from auto_migrate.drift.table_shape import Column, TableShape

Shapes = Mapping[str, TableShape]


@dataclasses.dataclass
class TableMatch:
    """Where a table is among its versions: `at` one of `fits`, the indices of those that it equals; None if at none.

    `differences` are those from each version that count.
    """

    table: VersionedTable
    differences: list[list[Difference]]

    def __post_init__(self) -> None:
        self.fits = [index for index, found in enumerate(self.differences) if not found]
        self.at = self.fits[-1] if self.fits else None

    def retreat(self, below: int) -> bool:
        """Go back to a version before `below`; return whether that was a move."""
        if self.at is None or self.at < below:
            return False
        self.at = max((index for index in self.fits if index < below), default=None)
        return True

    def reached(self, index: int) -> bool:
        """Return whether the table is at a version or further."""
        return self.at is not None and self.at >= index

    @property
    def has_moved(self) -> bool:
        """Return whether the table is certainly not what the record says."""
        return 0 not in self.fits

    @property
    def nearest(self) -> list[Difference]:
        """Return what sets the table apart from the version that it is most like, the later one of two.

        That it should not be there says less than how it should be.
        """
        versions = reversed(self.differences)
        return min(versions, key=lambda found: (any(map(says_little, found)), len(found)))


def says_little(difference: Difference) -> bool:
    """Return whether a difference is that a table should not be there, or that nobody knows how it should be."""
    return difference.part is ObjectType.TABLE and difference.kind in {DifferenceKind.EXTRA, DifferenceKind.UNKNOWN}


@dataclasses.dataclass(frozen=True)
class Contradiction:
    """A table that is there as no state has it, with what sets it apart from the state that it is most like."""

    app_label: str
    table: str
    differences: tuple[Difference, ...]


class Proof:
    """What the schema that is there says of a plan; `parents` are by number those that each migration depends on."""

    def __init__(
        self,
        tables: Sequence[VersionedTable],
        actual: Shapes,
        parents: Sequence[Collection[int]],
        refused: Collection[int] = (),
    ) -> None:
        self.positions = [locate(table, actual) for table in tables]
        self.parents = parents
        self.refused = refused
        self.touched: list[list[tuple[TableMatch, int]]] = [[] for _migration in parents]
        for position in self.positions:
            for index, version in enumerate(position.table.versions):
                if index:
                    self.touched[version.since].append((position, index))
        self.there = self._settle()

    def _settle(self) -> frozenset[int]:
        moved = True
        there: set[int] = set()
        while moved:
            there, moved = set(), False
            for number, touched in enumerate(self.touched):
                if (
                    number not in self.refused
                    and there.issuperset(self.parents[number])
                    and all(position.reached(index) for position, index in touched)
                ):
                    there.add(number)
                    continue
                for position, index in touched:
                    moved = position.retreat(index) or moved
        return frozenset(there)

    def is_evident(self, number: int) -> bool:
        """Return whether what a migration makes is seen in a table that is not what the record says."""
        return number in self.there and any(position.has_moved for position, _index in self.touched[number])

    def contradictions(self, app_label: str) -> list[Contradiction]:
        """Return the tables of an app that are there as no state has them.

        Where each by itself is as some state has it, these are the ones that a migration has not made, as others. There
        is none where they are further than what comes before, and was denied, lets them be.
        """
        of_app = [position for position in self.positions if position.table.app_label == app_label]
        if odd := [position for position in of_app if not position.fits]:
            return [Contradiction(app_label, position.table.name, tuple(position.nearest)) for position in odd]
        begun = {number for position in of_app if position.at is None for number in self.makers_of(position)}
        return [
            Contradiction(position.table.app_label, position.table.name, tuple(position.differences[index]))
            for number in sorted(begun)
            for position, index in self.touched[number]
            if max(position.fits, default=-1) < index
        ]

    def makers_of(self, position: TableMatch) -> list[int]:
        """Return the migrations that changed a table."""
        return [version.since for version in position.table.versions[1:]]

    def lost_parents(self, app_label: str) -> set[int]:
        """Return what is not there and the migrations of an app depend on, or are, whose tables are."""
        lost = [one for one in self.positions if one.at is None and one.fits and one.table.app_label == app_label]
        makers = {number for position in lost for number in self.makers_of(position)}
        return {parent for number in makers for parent in self.parents[number]} - self.there | makers & {*self.refused}

    @property
    def unfit(self) -> set[str]:
        """Return the apps with a table that is at no version."""
        return {position.table.app_label for position in self.positions if position.at is None}


def locate(table: VersionedTable, actual: Shapes) -> TableMatch:
    """Compare a table with each of its versions."""
    known = known_parts(table.versions)
    there = actual.get(table.name)
    return TableMatch(
        table,
        [
            [
                one
                for one in compare_version(table.name, version, there, actual)
                if counts(one, known) and not is_forgotten(one, version)
            ]
            for version in table.versions
        ],
    )


def compare_version(name: str, version: Version, there: TableShape | None, actual: Shapes) -> Iterator[Difference]:
    """Return what sets a table apart from one of its versions."""
    if version.unknown:
        yield unknown(name, version.unknown)
    elif version.shape is not None:
        yield from compare_tables(as_keys_are(version.shape, actual), there)
    elif there is not None and not version.may_stay:
        yield Difference(name, ObjectType.TABLE, DifferenceKind.EXTRA)


def as_keys_are(shape: TableShape, actual: Shapes) -> TableShape:
    """Let foreign keys have the type of what they point to.

    It changes with the migrations of another app, which may come before or after those that change the rest of a table.
    """
    columns = {name: _as_key_is(column, actual) for name, column in shape.columns.items()}
    return dataclasses.replace(shape, columns=columns)


def _as_key_is(column: Column, actual: Shapes) -> Column:
    if column.references is None or (target := actual.get(column.references[0])) is None:
        return column
    key = target.columns.get(column.references[1])
    return dataclasses.replace(column, type=key.type) if key else column


Known = frozenset[tuple[ObjectType, str]]


def known_parts(versions: Sequence[Version]) -> Known:
    """Return what any of the versions has: columns by name, rules by definition, defaults by column and expression."""
    return frozenset(part for version in versions if version.shape for part in _parts(version.shape))


def _parts(shape: TableShape) -> Iterator[tuple[ObjectType, str]]:
    yield ObjectType.COMMENT, f"{shape.name} {shape.comment}"
    for column in shape.columns.values():
        yield ObjectType.COLUMN, column.name
        yield ObjectType.DEFAULT, f"{column.name} {column.default}"
        yield ObjectType.COLLATION, f"{column.name} {column.collation}"
        yield ObjectType.COMMENT, f"{column.name} {column.comment}"
    for rule in shape.rules:
        part = ObjectType.INDEX if rule.kind == "i" else ObjectType.CONSTRAINT
        yield from ((part, wording) for wording in rule.wordings)


def is_forgotten(difference: Difference, version: Version) -> bool:
    """Return whether something is of a column that the state alone has lost."""
    return difference.kind is DifferenceKind.EXTRA and not version.forgotten.isdisjoint(difference.columns)


def counts(difference: Difference, known: Known) -> bool:
    """Return whether a difference says that a table is not at a version."""
    if difference.kind is not DifferenceKind.EXTRA or difference.part is ObjectType.TABLE:
        return True
    told = difference.actual
    match difference.part:
        case ObjectType.COLUMN:
            told = difference.name
        case ObjectType.DEFAULT | ObjectType.COLLATION | ObjectType.COMMENT:
            told = f"{difference.name} {difference.actual}"
    return (difference.part, told) in known
