"""What each change does to tables on SQLite, where a writer stops all other writers whatever it writes."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Value

from auto_migrate.changes import change as changes
from auto_migrate.changes.change import Change
from auto_migrate.safety.effects.effect import Blocks, Effect

# What Django carries out by making the table anew and copying all rows (`_remake_table`), or SQLite by writing all rows
# anew: DROP COLUMN takes the values out of them (https://www.sqlite.org/lang_altertable.html#alter_table_drop_column).
REWRITTEN = (
    changes.AlterType,
    changes.SetNotNull,
    changes.DropNotNull,
    changes.SetDefault,
    changes.DropDefault,
    changes.DropColumn,
    changes.RewriteTable,
)
# What reads all rows, without that.
READ = (changes.CreateIndex, changes.AddConstraint)
# What changes the catalogue alone.
AT_ONCE = (
    changes.AddColumn,
    changes.DropTable,
    changes.RenameTable,
    changes.RenameColumn,
    changes.DropIndex,
    changes.DropConstraint,
)


def effects_of(change: Change) -> Iterator[Effect]:
    """Return the effects of a change; they matter on a large table alone, since the file is locked either way."""
    if not change.table:
        return
    rewrites = is_rewritten(change)
    scans = rewrites or isinstance(change, READ)
    if scans or isinstance(change, AT_ONCE):
        yield Effect(change.table, rewrites=rewrites, scans=scans, blocks=Blocks.WRITES)


def is_rewritten(change: Change) -> bool:
    """Return whether all rows are written anew, after what SQLite and Django's schema editor for it do."""
    if isinstance(change, changes.AddColumn):
        # What the database itself fills in needs no copy, if Django can see that it is the same for all rows.
        own = isinstance(getattr(change.definition, "db_default", None), Value)
        filled = change.default is not changes.Default.NONE and not own
        return not change.null or change.unique or change.primary_key or filled
    if isinstance(change, changes.AddConstraint | changes.DropConstraint):
        return not change.as_index
    return isinstance(change, REWRITTEN)
