"""Changes that cancel or complete each other within one text, as Django sends them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from auto_migrate.planning.changes import (
    AddColumn,
    AddConstraint,
    Change,
    ConstraintKind,
    CreateTable,
    DropDefault,
    SetDefault,
)


def folded(changes: Iterable[Change]) -> list[Change]:
    """Give the changes in their order, without what another of them already says."""
    done: list[Change] = []
    for change in changes:
        if not any(_absorbed(done, position, change) for position in reversed(range(len(done)))):
            done.append(change)
    return done


def _absorbed(done: list[Change], position: int, change: Change) -> bool:
    """Work a change into an earlier one if it belongs there, and tell whether it did."""
    earlier = done[position]
    if earlier.table != change.table:
        return False
    if isinstance(change, DropDefault) and isinstance(earlier, AddColumn | SetDefault):
        if earlier.column != change.column:
            return False
        # A default that only filled the old rows.
        done[position : position + 1] = (
            [dataclasses.replace(earlier, keeps_default=False)] if isinstance(earlier, AddColumn) else []
        )
        return True
    if isinstance(earlier, CreateTable) and isinstance(change, AddConstraint):
        # Foreign keys of a new table come after it, since others may have to be made before.
        references = change.references if change.kind is ConstraintKind.FOREIGN_KEY else ""
        more = (references,) if references not in {"", change.table, *earlier.references} else ()
        done[position] = dataclasses.replace(
            earlier, references=(*earlier.references, *more), names=(*earlier.names, change.name)
        )
        return True
    return False
