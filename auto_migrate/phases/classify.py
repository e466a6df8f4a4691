"""When a migration may run: before the new code starts, or after the old code is gone.

What only adds or loosens lets the old code go on, and the new code needs it: `pre_deploy`. What takes away or tightens
breaks the old code, and the new code can wait for it: `post_deploy`. Data and what nobody notices go with what they
stand beside. A migration says otherwise by `phase = "post_deploy"` on its class.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.db.migrations.graph import MigrationGraph
from django.db.migrations.migration import Migration
from django.db.migrations.operations.special import RunSQL
from django.utils.translation import gettext as _

from auto_migrate.changes import change as changes
from auto_migrate.changes import object_change
from auto_migrate.changes.new_objects import NewObjects
from auto_migrate.changes.python.texts import HOLE
from auto_migrate.changes.reading import MigrationChanges, OperationChanges
from auto_migrate.changes.stock_operations import flat
from auto_migrate.changes.types import Width, width_of
from auto_migrate.changes.verbs import EnumVerb
from auto_migrate.conf import get_settings
from auto_migrate.exceptions import UsageError
from auto_migrate.phases.phase import Phase
from auto_migrate.values import MigrationKey, Node


class DeploySide(enum.Enum):
    """What a change is to the releases on either side of a deploy."""

    ADDITIVE = enum.auto()
    """The old code does not mind it."""
    DESTRUCTIVE = enum.auto()
    """The old code minds it, the new code can wait for it."""
    EITHER = enum.auto()
    """The old code minds it, and the new code cannot wait for it."""


SIDES: dict[type[changes.Change], DeploySide] = {
    changes.CreateTable: DeploySide.ADDITIVE,
    changes.AddColumn: DeploySide.ADDITIVE,
    changes.DropNotNull: DeploySide.ADDITIVE,
    changes.SetDefault: DeploySide.ADDITIVE,
    changes.DropTable: DeploySide.DESTRUCTIVE,
    changes.DropColumn: DeploySide.DESTRUCTIVE,
    changes.SetNotNull: DeploySide.DESTRUCTIVE,
    changes.DropDefault: DeploySide.DESTRUCTIVE,
    changes.RenameTable: DeploySide.EITHER,
    changes.RenameColumn: DeploySide.EITHER,
    object_change.RenameObject: DeploySide.EITHER,
    object_change.RevokePrivileges: DeploySide.DESTRUCTIVE,
}
WIDTHS = {Width.WIDER: DeploySide.ADDITIVE, Width.NARROWER: DeploySide.DESTRUCTIVE, Width.OTHER: DeploySide.EITHER}
ENUM_VERBS = {EnumVerb.ADD_VALUE: DeploySide.ADDITIVE, EnumVerb.RENAME_VALUE: DeploySide.EITHER}


def _side_of_index(index: changes.CreateIndex) -> DeploySide | None:
    """A unique one refuses what the old code may write; one that only comes along goes with what brings it."""
    if index.companion:
        return None
    return DeploySide.DESTRUCTIVE if index.unique else DeploySide.ADDITIVE


# Changes whose side depends on more than their kind.
BY_CONTENT: dict[type[changes.Change], Callable[[Any], DeploySide | None]] = {
    # Nobody notices a constraint that is dropped and made again in one go.
    changes.AddConstraint: lambda change: None if change.again else DeploySide.DESTRUCTIVE,
    changes.DropConstraint: lambda change: None if change.again else DeploySide.ADDITIVE,
    object_change.DropObject: lambda change: None if change.again else DeploySide.DESTRUCTIVE,
    # What may be there already, or was a moment ago, is there for the old code too.
    object_change.CreateObject: lambda change: None if change.unsure or change.again else DeploySide.ADDITIVE,
    # Of a column that nobody can name nothing is known, not even that it is another type.
    changes.AlterType: lambda change: (
        None if HOLE in change.table and not change.old else WIDTHS[width_of(change.old, change.new)]
    ),
    changes.AlterEnum: lambda change: ENUM_VERBS[change.verb],
    changes.CreateIndex: _side_of_index,
    changes.DropIndex: lambda change: None if change.companion else DeploySide.DESTRUCTIVE,
}


# Locks of what leaves everything as it is; others are those of triggers, policies, rules and partitions.
UNNOTICED = frozenset({"LOCK TABLE", "VACUUM"})


@dataclasses.dataclass(frozen=True)
class PhaseDecision:
    """The phase of a migration, and the operations that speak for either.

    `behind` are the pending post_deploy migrations that it depends on, the nearest ones first. `kept` tells whether
    phases are kept where it is judged: if not, all migrations run at once.
    """

    phase: Phase = Phase.PRE_DEPLOY
    declared: bool = False
    additive: tuple[OperationChanges, ...] = ()
    destructive: tuple[OperationChanges, ...] = ()
    either: tuple[OperationChanges, ...] = ()
    behind: tuple[MigrationKey, ...] = ()
    kept: bool = False

    @property
    def waits(self) -> bool:
        """Return whether the migration runs when the old code is gone."""
        return self.kept and self.phase is Phase.POST_DEPLOY

    @property
    def is_ambiguous(self) -> bool:
        """Return whether the operations do not agree on a phase and nobody has declared one."""
        return not self.declared and bool(self.either or (self.additive and self.destructive))

    @property
    def comes_too_early(self) -> bool:
        """Return whether it is to run before the deploy and can only run after it."""
        return self.phase is Phase.PRE_DEPLOY and bool(self.behind)


@dataclasses.dataclass(frozen=True)
class ClassifiedMigration(MigrationChanges):
    """What one migration of a plan does, and when it may run."""

    decision: PhaseDecision = dataclasses.field(default_factory=PhaseDecision)


def classify_plan(
    plan: Iterable[MigrationChanges], classifier: PhaseClassifier | None = None
) -> Iterator[ClassifiedMigration]:
    """Return the migrations of a plan, in its order, with the phase of each."""
    classifier = classifier or PhaseClassifier()
    return map(classifier.classify, plan)


def phase_of(migration: MigrationChanges) -> PhaseDecision:
    """Return the phase of a migration that stands alone."""
    return PhaseClassifier().phase_of(migration)


def declared_phase(migration: Migration) -> Phase | None:
    """Return the phase that the class declares; raise `UsageError` for what is none, where phases are on."""
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


class PhaseClassifier:
    """Tells the phase of one migration after the other, in the order of a plan.

    With the `graph`, it also tells which pending post_deploy migrations each depends on; `deferred` are those of them
    that were taken out of the plan. Whether phases are `kept` is left to the setting where nobody tells.
    """

    def __init__(
        self,
        graph: MigrationGraph | None = None,
        *,
        deferred: Iterable[MigrationKey] = (),
        kept: bool | None = None,
        new_tables: Iterable[str] = (),
    ) -> None:
        self.graph = graph
        self.kept = get_settings().PHASES if kept is None else kept
        self.new = NewObjects(set(new_tables))
        # Node → the nearest pending post_deploy migrations that it is or depends on.
        self.late: dict[Node, tuple[MigrationKey, ...]] = {(key.app_label, key.name): (key,) for key in deferred}

    def classify(self, read: MigrationChanges) -> ClassifiedMigration:
        """Return the plan's next migration with its phase; nobody asks that of one that is unapplied."""
        decision = PhaseDecision() if read.backwards else self.phase_of(read)
        return ClassifiedMigration(read.migration, read.backwards, read.operations, decision)

    def phase_of(self, migration: MigrationChanges) -> PhaseDecision:
        """Return the phase of the plan's next migration."""
        additive, destructive, either = self._sorted_out(migration)
        behind = tuple(dict.fromkeys(self._behind(migration.key)))
        declared = declared_phase(migration.migration)
        later = (destructive and not additive and not either) or (behind and waits_willingly(migration))
        phase = declared or (Phase.POST_DEPLOY if later else Phase.PRE_DEPLOY)
        own = (migration.key,) if phase is Phase.POST_DEPLOY else behind
        self.late[migration.key.app_label, migration.key.name] = own
        return PhaseDecision(phase, declared is not None, additive, destructive, either, behind, self.kept)

    def _sorted_out(self, migration: MigrationChanges) -> Iterator[tuple[OperationChanges, ...]]:
        """Return the operations of each side, of which one operation may be on several."""
        found: dict[DeploySide, dict[int, OperationChanges]] = {side: {} for side in DeploySide}
        proofs = {
            (change.table, change.proven_by)
            for _operation, change in migration.changes()
            if isinstance(change, changes.SetNotNull)
        }
        dropped = {change.table for _operation, change in migration.changes() if isinstance(change, changes.DropTable)}
        for operation, change in migration.changes():
            # What is loosened on the way to its end is loosened for nobody.
            if isinstance(change, changes.DropConstraint) and change.table in dropped:
                continue
            # A constraint that only served as the proof goes with what it proved.
            if isinstance(change, changes.DropConstraint) and (change.table, change.name) in proofs:
                continue
            if side := side_of(change, self.new):
                found[side].setdefault(operation.index, operation)
            self.new.follow(change)
        return (tuple(operations.values()) for operations in found.values())

    def _behind(self, key: MigrationKey) -> Iterator[MigrationKey]:
        if self.graph is not None:
            for parent in self.graph.node_map[key.app_label, key.name].parents:
                yield from self.late.get(parent.key, ())


def waits_willingly(migration: MigrationChanges) -> bool:
    """Return whether neither release can notice the migration, such as a merge or the validation of a constraint.

    SQL of which no change is known may still do what the new code needs: grant a privilege, make a cast.
    """
    noticed = (*SIDES, *BY_CONTENT, *changes.DATA, changes.WriteInBatches, changes.OpaqueChange)
    for operation in migration.operations:
        if not operation.changes and any(isinstance(one, RunSQL) and one.sql for one in flat([operation.operation])):
            return False
        for change in operation.changes:
            is_of_more = isinstance(change, changes.LockTable) and change.reason not in UNNOTICED
            if is_of_more or isinstance(change, noticed):
                return False
    return True


def side_of(change: changes.Change, new: NewObjects) -> DeploySide | None:
    """Return who minds a change, None where nobody does; no running code knows, and so can mind, what the plan made."""
    kind = type(change)
    side = BY_CONTENT[kind](change) if kind in BY_CONTENT else SIDES.get(kind)
    if side and (change.table in new.tables | new.objects or is_on_what_is_new(change, new)):
        # The new code may need what it is called; what tightens it nobody has to wait for.
        return None if side is DeploySide.DESTRUCTIVE else DeploySide.ADDITIVE
    return side


def is_on_what_is_new(change: changes.Change, new: NewObjects) -> bool:
    """Return whether a change is about columns or an index of an older table that the plan made before."""
    match change:
        case changes.SetNotNull():
            return change.keeps_default and (change.table, change.column) in new.columns
        case changes.ColumnChange():
            return (change.table, change.column) in new.columns
        case changes.AddConstraint() | changes.CreateIndex():
            columns = [(change.table, name) in new.columns for name in change.columns]
            return bool(columns) and (all(columns) or new.lets_in_any(change))
        case changes.DropIndex():
            return change.name in new.indexes
    return False
