"""Changes that cancel or complete each other within one text, as Django sends them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from auto_migrate.changes.change import (
    AddColumn,
    AddConstraint,
    Change,
    ColumnChange,
    CreateTable,
    DropColumn,
    DropConstraint,
    DropDefault,
    DropTable,
    RenameTable,
    SetDefault,
)
from auto_migrate.changes.constraints import ConstraintKind


def folded(changes: Iterable[Change]) -> list[Change]:
    """Return the changes in their order, without what another of them already says."""
    done: list[Change] = []
    for change in changes:
        match change:
            case DropDefault():
                done = _without_passing_default(done, change)
            case DropColumn():
                done = _without_keys_of(done, change)
            case AddConstraint():
                done = _within_table(done, change)
            case _:
                done.append(change)
    return done


def _without_passing_default(done: list[Change], dropped: DropDefault) -> list[Change]:
    """Take a default away again that only filled the old rows."""
    for position, change in enumerate(done):
        if not isinstance(change, AddColumn | SetDefault) or _column(change) != _column(dropped) or change.unsure:
            continue
        without = [dataclasses.replace(change, keeps_default=False)] if isinstance(change, AddColumn) else []
        return [*done[:position], *without, *done[position + 1 :]]
    return [*done, dropped]


def _without_keys_of(done: list[Change], dropped: DropColumn) -> list[Change]:
    """Let a column take along the foreign key that was dropped just before it."""
    for position, change in enumerate(done):
        if not isinstance(change, DropConstraint) or change.kind is not ConstraintKind.FOREIGN_KEY:
            continue
        if (change.table, change.columns) == (dropped.table, (dropped.column,)):
            return [*done[:position], *done[position + 1 :], dataclasses.replace(dropped, references=change.references)]
    return [*done, dropped]


def _within_table(done: list[Change], constraint: AddConstraint) -> list[Change]:
    """Make a constraint of a new table a part of it: foreign keys come last, when all other tables are there."""
    for position, table in enumerate(done):
        if not isinstance(table, CreateTable) or table.table != constraint.table or table.unsure:
            continue
        if any(isinstance(change, DropTable | RenameTable) for change in done[position:]):
            # The name may be another table's by now.
            break
        more = () if constraint.references in {"", constraint.table, *table.references} else (constraint.references,)
        whole = dataclasses.replace(table, references=table.references + more, names=(*table.names, constraint.name))
        return [*done[:position], whole, *done[position + 1 :]]
    return [*done, constraint]


def _column(change: ColumnChange) -> tuple[str, str]:
    return change.table, change.column
