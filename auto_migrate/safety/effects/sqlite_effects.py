"""What each change does to tables on SQLite, where a writer stops all other writers whatever it writes."""

from __future__ import annotations

from collections.abc import Iterator

from auto_migrate.changes import change as changes
from auto_migrate.changes.change import Change
from auto_migrate.safety.effects.effect import Blocks, Effect

# What Django carries out by making the table anew and copying all rows (`_remake_table`).
REMADE = (
    changes.AlterType,
    changes.SetNotNull,
    changes.DropNotNull,
    changes.SetDefault,
    changes.DropDefault,
    changes.DropConstraint,
)
# What reads or writes all rows, without that.
READ = (changes.CreateIndex, changes.DropColumn, changes.AddConstraint, changes.RewriteTable)
# What changes the catalogue alone.
AT_ONCE = (changes.AddColumn, changes.DropTable, changes.RenameTable, changes.RenameColumn, changes.DropIndex)


def effects_of(change: Change) -> Iterator[Effect]:
    """Return the effects of a change; they matter on a large table alone, since the file is locked either way."""
    if not change.table:
        return
    rewrites = is_remade(change)
    scans = rewrites or isinstance(change, READ)
    if scans or isinstance(change, AT_ONCE):
        yield Effect(change.table, rewrites=rewrites, scans=scans, blocks=Blocks.WRITES)


def is_remade(change: Change) -> bool:
    """Return whether Django makes the table anew, after what its schema editor for SQLite does."""
    if isinstance(change, changes.AddColumn):
        return not change.null or change.unique or change.primary_key or change.default is not changes.Default.NONE
    if isinstance(change, changes.DropColumn):
        field = change.definition
        return bool(change.references or (field and (field.primary_key or field.unique or field.db_index)))
    if isinstance(change, changes.AddConstraint):
        return not change.as_index
    return isinstance(change, REMADE)
