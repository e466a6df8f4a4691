"""AM109: an index is built while all writes to its table wait."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.migrations.operations import AddField, AlterField
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate.changes.change import AddColumn, AddConstraint, Change, CreateIndex
from auto_migrate.safety.becoming_key import becomes_key
from auto_migrate.safety.hazard import Found, Harm, Hazard, Site
from auto_migrate.safety.hazards.am107_unique_not_concurrent import builds_unique_index
from auto_migrate.safety.suggestions import (
    comment,
    concurrently,
    in_turn,
    migration,
    model_name,
    without_like,
    written,
    written_operation,
)


class IndexNotConcurrent(Hazard):
    code = "AM109"
    slug = "index-not-concurrent"
    title = gettext_noop("An index is built while writes to its table wait")
    harm = Harm.BLOCKS

    def found(self, change: Change, site: Site) -> Iterator[Found]:
        if not isinstance(change, CreateIndex) or change.concurrently or comes_along(change, site):
            return
        problem = _(
            "CREATE INDEX {name} reads all of {table} and lets nobody write to it meanwhile. Built concurrently, the "
            "index takes longer and holds nobody up."
        )
        yield Found(change.table, problem.format(name=change.name, table=change.table), self.instead(change, site))

    def instead(self, change: CreateIndex, site: Site) -> str:
        """Return the operations that build the same index concurrently."""
        if change.definition is None:
            return f"{concurrently(change.sql)}  -- atomic = False" if change.sql else ""
        if becomes_key(site.operation):
            return ""
        index = f'AddIndexConcurrently("{model_name(change.model)}", {written(of_fitting_name(change.definition))})'
        concurrent = migration(index, atomic=False)
        if not isinstance(site.operation.operation, AddField | AlterField):
            return concurrent
        # Of an index that the model declares, makemigrations writes an operation of its own.
        first = comment(_("The field with db_index=False, and the index in the model's Meta.indexes."))
        if any(isinstance(other, CreateIndex) and other.companion for other in site.operation.changes):
            first += without_like()
        if all(isinstance(other, CreateIndex) for other in site.operation.changes):
            return f"{first}{concurrent}"
        return in_turn(f"{first}{migration(unindexed(site.operation.operation))}", concurrent)


def of_fitting_name(index: Any) -> Any:
    """Return an index with a name as short as those that models declare have to be; its end tells it from others."""
    if len(index.name) <= index.max_name_length:
        return index
    other = index.clone()
    other.name = f"{index.name[: index.max_name_length - 9]}_{index.name[-8:]}"
    return other


def unindexed(operation: AddField | AlterField) -> str:
    """Write an operation with a field that has no index."""
    _name, arguments, keywords = operation.deconstruct()
    field: Any = operation.field.clone()
    field.db_index = False
    return written_operation(type(operation)(*arguments, **{**keywords, "field": field}))


def comes_along(change: CreateIndex, site: Site) -> bool:
    """Return whether the index for LIKE comes with another one on the column, which is told of already."""
    return change.companion and any(
        builds_unique_index(other) or (isinstance(other, CreateIndex) and not other.companion)
        for other in site.operation.changes
        if isinstance(other, AddColumn | AddConstraint | CreateIndex) and other.table == change.table
    )
