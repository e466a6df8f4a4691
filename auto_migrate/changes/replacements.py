"""What a migration drops and makes again, which nobody notices once it is done."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from auto_migrate.changes.change import AddConstraint, Change, CreateTable, DropConstraint
from auto_migrate.changes.constraints import ConstraintKind, as_unique_index
from auto_migrate.changes.object_change import CreateObject, DropObject, RenameObject

# Constraints that their columns say all about.
BY_COLUMNS = frozenset({ConstraintKind.FOREIGN_KEY, ConstraintKind.PRIMARY_KEY, ConstraintKind.UNIQUE})


def marked_again(changes: Sequence[Change]) -> list[Change] | None:
    """Return the changes of one migration with what is made again marked, None if nothing is."""
    marked = list(changes)
    for place, change in enumerate(marked):
        if isinstance(change, DropObject):
            _mark_object(marked, place, change)
        elif isinstance(change, DropConstraint) and says_all(change):
            _mark_constraint(marked, place, change)
    return marked if any(new is not old for new, old in zip(marked, changes, strict=True)) else None


def _mark_object(marked: list[Change], place: int, dropped: DropObject) -> None:
    for later, change in enumerate(marked[place + 1 :], start=place + 1):
        if is_same(change, dropped):
            marked[place] = dataclasses.replace(dropped, again=True)
            if isinstance(change, CreateObject):
                marked[later] = dataclasses.replace(change, again=True)
            return


def is_same(later: Change, dropped: DropObject) -> bool:
    """Return whether something of the same name comes into being."""
    if isinstance(later, RenameObject):
        return later.to == dropped.table
    return isinstance(later, CreateObject | CreateTable) and later.table == dropped.table


def says_all(dropped: DropConstraint) -> bool:
    """Return whether the columns of a constraint say all about it."""
    if dropped.definition is not None and as_unique_index(dropped.definition):
        return False
    return dropped.kind in BY_COLUMNS and bool(dropped.columns)


def _mark_constraint(marked: list[Change], place: int, dropped: DropConstraint) -> None:
    """Mark the constraint that takes the place of one, if it refuses nothing that the other let pass."""
    for later, change in enumerate(marked[place + 1 :], start=place + 1):
        if not isinstance(change, AddConstraint) or not change.columns or not change.nulls_distinct:
            continue
        if getattr(change.definition, "expressions", ()):
            continue
        if (change.table, change.kind, change.references) != (dropped.table, dropped.kind, dropped.references):
            continue
        same = set(change.columns) == set(dropped.columns)
        # Values that are unique in some columns are so in more of them.
        if same or (change.kind is ConstraintKind.UNIQUE and set(change.columns) > set(dropped.columns)):
            marked[later] = dataclasses.replace(change, again=True)
            marked[place] = dataclasses.replace(dropped, again=same)
            return
