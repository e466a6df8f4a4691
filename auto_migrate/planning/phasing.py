"""When a migration may run: before the new code starts, or after the old code is gone.

What only adds or loosens lets the old code go on, and the new code needs it: `pre_deploy`. What takes away or tightens
breaks the old code, and the new code can wait for it: `post_deploy`. Data and what nobody notices go with what they
stand beside. A migration says otherwise by `phase = "post_deploy"` on its class.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from django.db.migrations.graph import MigrationGraph
from django.utils.translation import gettext as _

from auto_migrate.conf import get_settings
from auto_migrate.events import MigrationKey
from auto_migrate.exceptions import UsageError
from auto_migrate.planning import changes
from auto_migrate.planning.phases import Phase
from auto_migrate.planning.widths import Width, width_of

if TYPE_CHECKING:
    from django.db.migrations.migration import Migration

    from auto_migrate.planning.reading import ReadMigration, ReadOperation
    from auto_migrate.planning.targets import Node


class Side(enum.Enum):
    """What a change is to the releases on either side of a deploy."""

    ADDITIVE = enum.auto()
    """The old code does not mind it."""
    DESTRUCTIVE = enum.auto()
    """The old code minds it, the new code can wait for it."""
    EITHER = enum.auto()
    """The old code minds it, and the new code cannot wait for it."""


SIDES: dict[type[changes.Change], Side] = {
    changes.CreateTable: Side.ADDITIVE,
    changes.AddColumn: Side.ADDITIVE,
    changes.DropNotNull: Side.ADDITIVE,
    changes.DropConstraint: Side.ADDITIVE,
    changes.SetDefault: Side.ADDITIVE,
    changes.DropTable: Side.DESTRUCTIVE,
    changes.DropColumn: Side.DESTRUCTIVE,
    changes.SetNotNull: Side.DESTRUCTIVE,
    changes.DropDefault: Side.DESTRUCTIVE,
    changes.RenameTable: Side.EITHER,
    changes.RenameColumn: Side.EITHER,
}
WIDTHS = {Width.WIDER: Side.ADDITIVE, Width.NARROWER: Side.DESTRUCTIVE, Width.OTHER: Side.EITHER}
ENUM_VERBS = {"ADD VALUE": Side.ADDITIVE, "RENAME VALUE": Side.EITHER}


def _side_of_index(index: changes.CreateIndex) -> Side | None:
    """A unique one refuses what the old code may write; one that only comes along goes with what brings it."""
    if index.companion:
        return None
    return Side.DESTRUCTIVE if index.unique else Side.ADDITIVE


# Changes whose side depends on more than their kind.
BY_CONTENT: dict[type[changes.Change], Callable[[Any], Side | None]] = {
    # Nobody notices a constraint that is dropped and made again in one go.
    changes.AddConstraint: lambda change: None if change.again else Side.DESTRUCTIVE,
    changes.AlterType: lambda change: WIDTHS[width_of(change.old, change.new)],
    changes.AlterEnum: lambda change: ENUM_VERBS.get(change.verb.upper(), Side.DESTRUCTIVE),
    changes.CreateIndex: _side_of_index,
    changes.DropIndex: lambda change: None if change.companion else Side.DESTRUCTIVE,
}


@dataclasses.dataclass(frozen=True)
class Phasing:
    """The phase of a migration, and the operations that speak for either.

    `behind` are the pending post_deploy migrations that it depends on, the nearest ones first.
    """

    phase: Phase = Phase.PRE_DEPLOY
    declared: bool = False
    additive: tuple[ReadOperation, ...] = ()
    destructive: tuple[ReadOperation, ...] = ()
    either: tuple[ReadOperation, ...] = ()
    behind: tuple[MigrationKey, ...] = ()

    @property
    def is_ambiguous(self) -> bool:
        """Tell whether the operations do not agree on a phase and nobody has declared one."""
        return not self.declared and bool(self.either or (self.additive and self.destructive))

    @property
    def comes_too_early(self) -> bool:
        """Tell whether it is to run before the deploy and can only run after it."""
        return self.phase is Phase.PRE_DEPLOY and bool(self.behind)


def phase_of(migration: ReadMigration) -> Phasing:
    """Tell the phase of a migration that stands alone."""
    return Phaser().phase_of(migration)


def declared_phase(migration: Migration) -> Phase | None:
    """Give the phase that the class declares; raise `UsageError` for what is none, where phases are on."""
    said = getattr(migration, "phase", None)
    if said is None:
        return None
    try:
        return Phase(said)
    except ValueError:
        if not get_settings().PHASES:
            # Then the attribute may mean something else to somebody else.
            return None
        text = _("{migration}: there is no phase {said!r}.")
        raise UsageError(
            text.format(migration=f"{migration.app_label}.{migration.name}", said=said),
            hint=_('Write phase = "pre_deploy" or phase = "post_deploy" on its class, or leave it out.'),
        ) from None


class Phaser:
    """Tells the phase of one migration after the other, in the order of a plan.

    With the `graph`, it also tells which pending post_deploy migrations each depends on; `deferred` are those of them
    that were taken out of the plan.
    """

    def __init__(self, graph: MigrationGraph | None = None, *, deferred: Iterable[MigrationKey] = ()) -> None:
        self.graph = graph
        self.made = Made()
        # Node → the nearest pending post_deploy migrations that it is or depends on.
        self.late: dict[Node, tuple[MigrationKey, ...]] = {(key.app_label, key.name): (key,) for key in deferred}

    def phase_of(self, migration: ReadMigration) -> Phasing:
        """Tell the phase of the plan's next migration."""
        additive, destructive, either = self._sorted_out(migration)
        behind = tuple(dict.fromkeys(self._behind(migration.key)))
        declared = declared_phase(migration.migration)
        later = (destructive and not additive and not either) or (behind and waits_willingly(migration))
        phase = declared or (Phase.POST_DEPLOY if later else Phase.PRE_DEPLOY)
        own = (migration.key,) if phase is Phase.POST_DEPLOY else behind
        self.late[migration.key.app_label, migration.key.name] = own
        return Phasing(phase, declared is not None, additive, destructive, either, behind)

    def _sorted_out(self, migration: ReadMigration) -> Iterator[tuple[ReadOperation, ...]]:
        """Give the operations of each side, of which one operation may be on several."""
        found: dict[Side, dict[int, ReadOperation]] = {side: {} for side in Side}
        proofs = {
            (change.table, change.proven_by)
            for _operation, change in migration.changes()
            if isinstance(change, changes.SetNotNull)
        }
        for operation, change in migration.changes():
            # A constraint that only served as the proof goes with what it proved.
            if isinstance(change, changes.DropConstraint) and (change.table, change.name) in proofs:
                continue
            if side := self.made.side_of(change):
                found[side].setdefault(operation.index, operation)
            self.made.note(change)
        return (tuple(operations.values()) for operations in found.values())

    def _behind(self, key: MigrationKey) -> Iterator[MigrationKey]:
        if self.graph is not None:
            for parent in self.graph.node_map[key.app_label, key.name].parents:
                yield from self.late.get(parent.key, ())


def waits_willingly(migration: ReadMigration) -> bool:
    """Tell whether neither release can notice the migration, such as a merge or the validation of a constraint."""
    noticed = (*SIDES, *BY_CONTENT, *changes.DATA, changes.Unread)
    return not any(isinstance(change, noticed) for _operation, change in migration.changes())


class Made:
    """What a plan has made so far, which no running code knows yet and so cannot mind."""

    def __init__(self) -> None:
        self.tables: set[str] = set()
        self.columns: set[tuple[str, str]] = set()
        # Without their table, since SQL does not tell that of an index that it drops.
        self.indexes: set[str] = set()

    def side_of(self, change: changes.Change) -> Side | None:
        """Tell who minds a change, None where nobody does."""
        kind = type(change)
        side = BY_CONTENT[kind](change) if kind in BY_CONTENT else SIDES.get(kind)
        if side and (change.table in self.tables or self._is_on_what_is_new(change)):
            return Side.ADDITIVE
        return side

    def _is_on_what_is_new(self, change: changes.Change) -> bool:
        match change:
            case changes.SetNotNull():
                return change.keeps_default and (change.table, change.column) in self.columns
            case changes.ColumnChange():
                return (change.table, change.column) in self.columns
            case changes.AddConstraint() | changes.CreateIndex():
                return bool(change.columns) and all((change.table, name) in self.columns for name in change.columns)
            case changes.DropIndex():
                return change.name in self.indexes
        return False

    def note(self, change: changes.Change) -> None:
        """Keep what a change makes."""
        match change:
            case changes.CreateTable(unsure=False):
                self.tables.add(change.table)
                self.indexes.update(change.names)
            case changes.DropTable():
                self._forget(change.table)
            case changes.RenameTable():
                self._rename(change)
            case changes.AddColumn(unsure=False):
                self.columns.add((change.table, change.column))
            case changes.DropColumn():
                self.columns.discard((change.table, change.column))
            case changes.RenameColumn():
                self._rename_column(change)
            case changes.CreateIndex() | changes.AddConstraint():
                self.indexes.add(change.name)

    def _forget(self, table: str) -> None:
        self.tables.discard(table)
        self.columns = {column for column in self.columns if column[0] != table}

    def _rename(self, change: changes.RenameTable) -> None:
        # The name that it gives up may become an older table's, and the one that it takes may have been a newer one's.
        is_new = change.table in self.tables and not change.unsure
        columns = {name for table, name in self.columns if table == change.table and not change.unsure}
        self._forget(change.table)
        self._forget(change.to)
        self.tables |= {change.to} if is_new else set()
        self.columns |= {(change.to, name) for name in columns}

    def _rename_column(self, change: changes.RenameColumn) -> None:
        old, new = (change.table, change.column), (change.table, change.to)
        is_new = old in self.columns and not change.unsure
        self.columns -= {old, new}
        if is_new:
            self.columns.add(new)
