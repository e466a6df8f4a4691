"""What each change does to tables on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from auto_migrate.changes import change as changes
from auto_migrate.changes.change import Change, Default
from auto_migrate.changes.constraints import ConstraintKind
from auto_migrate.changes.type_changes import Work, work_of
from auto_migrate.changes.verbs import DataVerb
from auto_migrate.databases.lock_modes import (
    ADD_FOREIGN_KEY,
    ALTER_TABLE,
    CREATE_INDEX,
    DROP_FOREIGN_KEY,
    DROP_INDEX,
    INDEX_CONCURRENTLY,
    VALIDATE_CONSTRAINT,
)
from auto_migrate.safety.effects.effect import Blocks, Effect, locks

FILLED_ROW_BY_ROW = frozenset({Default.VOLATILE, Default.GENERATED})


def effects_of(change: Change) -> Iterable[Effect]:
    """Return the effects of a change, none of one that locks no table or that nobody can read."""
    rule = RULES.get(type(change))
    return rule(change) if rule and change.table else ()


def create_table(change: changes.CreateTable) -> Iterator[Effect]:
    for table in change.references:
        if table != change.table:
            yield locks(table, ADD_FOREIGN_KEY)


def with_references(change: Any) -> Iterator[Effect]:
    """Take everything away from a table, and from those that its foreign keys point to: their triggers go too."""
    yield locks(change.table, ALTER_TABLE)
    references = (change.references,) if isinstance(change.references, str) else change.references
    for table in references:
        if table and table != change.table:
            yield locks(table, DROP_FOREIGN_KEY)


def at_once(change: Change) -> Iterator[Effect]:
    """Change the catalogue and nothing else."""
    yield locks(change.table, ALTER_TABLE)


def add_column(change: changes.AddColumn) -> Iterator[Effect]:
    rewrites = change.default in FILLED_ROW_BY_ROW or change.constrained_domain
    # A key is checked only if there is something to check.
    filled = bool(change.references) and change.default is not Default.NONE
    scans, builds = filled or change.checked, change.unique or change.primary_key
    yield locks(change.table, ALTER_TABLE, rewrites=rewrites, scans=scans, builds=builds)
    if change.references and change.references != change.table:
        yield locks(change.references, ADD_FOREIGN_KEY, scans=filled)


def alter_type(change: changes.AlterType) -> Iterator[Effect]:
    work = work_of(change)
    yield locks(change.table, ALTER_TABLE, rewrites=work is Work.REWRITES, builds=work is Work.INDEXES)


def set_not_null(change: changes.SetNotNull) -> Iterator[Effect]:
    yield locks(change.table, ALTER_TABLE, scans=change.fills or not change.proven_by)


def add_constraint(change: changes.AddConstraint) -> Iterator[Effect]:
    scans = change.valid and not change.using_index
    if change.kind is not ConstraintKind.FOREIGN_KEY:
        mode = CREATE_INDEX if change.as_index else ALTER_TABLE
        yield locks(change.table, mode, scans=scans, builds=scans and change.kind is not ConstraintKind.CHECK)
        return
    yield locks(change.table, ADD_FOREIGN_KEY, scans=scans)
    if change.references and change.references != change.table:
        yield locks(change.references, ADD_FOREIGN_KEY, scans=scans)


def validate(change: changes.ValidateConstraint) -> Iterator[Effect]:
    yield locks(change.table, VALIDATE_CONSTRAINT, scans=True)
    if change.references and change.references != change.table:
        # Under ROW SHARE, beside which everybody reads and writes.
        yield Effect(change.references, scans=True)


def create_index(change: changes.CreateIndex) -> Iterator[Effect]:
    yield locks(change.table, INDEX_CONCURRENTLY if change.concurrently else CREATE_INDEX, builds=True)


def drop_index(change: changes.DropIndex) -> Iterator[Effect]:
    yield locks(change.table, INDEX_CONCURRENTLY if change.concurrently else DROP_INDEX)


def reindex(change: changes.Reindex) -> Iterator[Effect]:
    if change.concurrently:
        yield locks(change.table, INDEX_CONCURRENTLY, builds=True)
    else:
        # The index itself is locked altogether, and whoever plans a query looks at every index of the table.
        yield Effect(change.table, CREATE_INDEX, scans=True, builds=True, blocks=Blocks.READS_AND_WRITES)


def rewrite_table(change: changes.RewriteTable) -> Iterator[Effect]:
    yield locks(change.table, ALTER_TABLE, rewrites=True)


def lock_table(change: changes.LockTable) -> Iterator[Effect]:
    yield locks(change.table, change.mode)


def write_rows(change: changes.DataChange) -> Iterator[Effect]:
    if change.verb is DataVerb.TRUNCATE:
        yield locks(change.table, ALTER_TABLE)
    else:
        # Rows are locked one by one, and only against other writers of the same.
        yield Effect(change.table, scans=change.verb is not DataVerb.INSERT and not change.bounded)


RULES: dict[type[Change], Callable[[Any], Iterable[Effect]]] = {
    changes.CreateTable: create_table,
    changes.DropTable: with_references,
    changes.RenameTable: at_once,
    changes.AddColumn: add_column,
    changes.DropColumn: with_references,
    changes.RenameColumn: at_once,
    changes.AlterType: alter_type,
    changes.SetNotNull: set_not_null,
    changes.DropNotNull: at_once,
    changes.SetDefault: at_once,
    changes.DropDefault: at_once,
    changes.AddConstraint: add_constraint,
    changes.ValidateConstraint: validate,
    changes.DropConstraint: with_references,
    changes.CreateIndex: create_index,
    changes.DropIndex: drop_index,
    changes.Reindex: reindex,
    changes.RewriteTable: rewrite_table,
    changes.LockTable: lock_table,
    changes.DataChange: write_rows,
}
