"""All that one attempt of a run does about bridges, before, while and after its plan is carried out."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.utils import timezone
from django.utils.translation import gettext as _

from auto_migrate.applying.bridges.builder import BridgeBuilder
from auto_migrate.bridge_events import BridgeKept, BridgesRaised, BridgeTakenDown
from auto_migrate.conf import get_settings
from auto_migrate.databases.base import Database, DeployLock
from auto_migrate.emitter import Emitter
from auto_migrate.history.bridge_ledger import BridgeLedger
from auto_migrate.history.journal import Position
from auto_migrate.phases.phase import Phase
from auto_migrate.planning.comparison import Comparison, applied_state
from auto_migrate.planning.old_code import judge_for, seconds_left
from auto_migrate.planning.targets import Goal
from auto_migrate.planning.unreleased import unreleased_tables
from auto_migrate.values import BRIDGED_VENDORS, HELD, Bridge, MigrationKey, OperationKey

if TYPE_CHECKING:
    from auto_migrate.applying.bridges.loosening import Wanted
    from auto_migrate.applying.bridges.restoration import RowsInTheWay


class BridgeManager:
    """Keeps the bridges of one schema; `in_use` tells whether a release may be running beside the plan.

    Those that are `standing` are looked up, unless somebody knows them; `harmless` is what the watches of other schemas
    have learned.
    """

    def __init__(
        self,
        database: Database,
        comparison: Comparison,
        goal: Goal,
        *,
        in_use: bool,
        lock: DeployLock,
        emit: Emitter,
        standing: tuple[Bridge, ...] | None = None,
        harmless: set[frozenset[str]] | None = None,
    ) -> None:
        self.database = database
        self.comparison = comparison
        self.goal = goal
        self.lock = lock
        self.emit = emit
        self.ledger = BridgeLedger(database.alias)
        can_have = database.connection.vendor in BRIDGED_VENDORS
        # Then its table is there as well.
        self.is_known = standing is not None
        if standing is None:
            standing = self.ledger.standing() if can_have else ()
        self.standing = standing
        self.harmless = harmless
        self.refused: tuple[RowsInTheWay, ...] = ()
        # After the deploy all code has what the plan brings, and unapplying is for a release that never had it.
        before_deploy = goal.phase is not Phase.POST_DEPLOY and not comparison.backwards
        planned = bool(comparison.plan or comparison.deferred) and before_deploy
        self.raises = can_have and planned and get_settings().BRIDGES and in_use

    def take_down(self, cut: Mapping[MigrationKey, Position]) -> None:
        """Take down what is not needed any more, so that the plan meets the schema that it expects.

        `cut` are the migrations that an earlier run was cut in.
        """
        if self.standing and not self.comparison.backwards:
            # Most databases have none.
            from auto_migrate.applying.bridges.removal import take_down

            verdict = judge_for(self.database.alias, self.standing, self.comparison, self.goal)
            self.refused = take_down(self.database, verdict.due, lock=self.lock, emit=self.emit)
            for bridge in verdict.early:
                left = seconds_left(bridge, timezone.now())
                self.emit(
                    BridgeKept(bridge, _("Another {left:.0f}s of POST_DEPLOY_DELAY have to pass.").format(left=left))
                )
            self._make_what_is_counted_on(cut)

    def _make_what_is_counted_on(self, cut: Mapping[MigrationKey, Position]) -> None:
        """Make what is still held back and what the plan would meet or change; raise `MigrationFailed` if rows refuse.

        Whatever releases still run: it is written down in words that would not fit any more.
        """
        # Likewise.
        from auto_migrate.applying.bridges.restoration import Restoration

        for bridge in counted_on(self.ledger.standing(), self.database, self.comparison, cut):
            ours = Restoration(self.database, bridge, lock=self.lock, emit=self.emit).carry_out()
            self.emit(BridgeTakenDown(bridge, ours))

    def builder(self, held: Collection[OperationKey] = ()) -> BridgeBuilder:
        """Return what raises bridges while the plan is carried out, of which some operations are held back."""
        if self.raises and not self.is_known:
            self.ledger.ensure_table()
        return BridgeBuilder(
            self.database,
            raises=self.raises,
            any_stand=bool(self.standing),
            new_tables=self.new_tables,
            held=held,
            harmless=self.harmless,
        )

    @functools.cached_property
    def new_tables(self) -> frozenset[str]:
        """The tables that are there before the plan, and that no release uses all the same."""
        if not self.raises or self.is_known:
            # Of tenants each would be asked about by itself.
            return frozenset()
        return unreleased_tables(self.database, self.comparison, functools.partial(applied_state, self.comparison))

    @property
    def loosens(self) -> bool:
        """Whether anything waits for the deploy that may have to be loosened."""
        return self.raises and bool(self.comparison.deferred)

    def loosen(self, late: Iterable[Wanted] | None = None) -> None:
        """Loosen what waits for the deploy, which is read from the plan unless somebody has."""
        if self.loosens:
            # Likewise.
            from auto_migrate.applying.bridges.loosening import loosen, wanted

            late = wanted(self.database, self.comparison, self.new_tables) if late is None else late
            loosen(self.database, late, lock=self.lock, emit=self.emit)

    def finish(self) -> None:
        """Loosen what waits for the deploy, and report what was raised."""
        self.loosen()
        if not self.raises:
            return
        if raised := tuple(bridge for bridge in self.ledger.standing() if bridge.released_at is None):
            self.emit(BridgesRaised(raised))

    def demand_made(self) -> None:
        """Raise `RowsInTheWay` if rows did not allow what was held back, and the deploy is over that it waited for.

        A release step goes on without: what it brings is not what stands in the way.
        """
        if self.refused and self.goal.phase is Phase.POST_DEPLOY:
            raise self.refused[0]


def counted_on(
    bridges: Iterable[Bridge], database: Database, comparison: Comparison, cut: Mapping[MigrationKey, Position]
) -> tuple[Bridge, ...]:
    """Return those of some bridges that hold back what is left of a plan to do would meet or change.

    What a run has done that was `cut` may be what is held back.
    """
    kept_back = [bridge for bridge in bridges if bridge.kind in HELD]
    if not kept_back or not comparison.plan or comparison.backwards:
        return ()
    # Likewise.
    from auto_migrate.applying.bridges.restoration import restriction_of_bridge
    from auto_migrate.changes.reading import read_plan

    reads = read_plan(database.connection, comparison.plan, applied_state(comparison))
    done = {key: position.done for key, position in cut.items() if not position.backwards}
    changes = [
        change for read in reads for operation, change in read.changes() if operation.index > done.get(read.key, 0)
    ]
    return tuple(bridge for bridge in kept_back if any(map(restriction_of_bridge(bridge).is_touched_by, changes)))


def watched(
    bridges: BridgeBuilder, editor: BaseDatabaseSchemaEditor, migration: MigrationKey, *, backwards: bool = False
) -> contextlib.AbstractContextManager[None]:
    """Watch over an editor that carries a migration out within the block, where bridges stand or may be raised."""
    if not (bridges.raises or bridges.any_stand):
        return contextlib.nullcontext()
    # Likewise.
    from auto_migrate.applying.bridges.editor_watch import watching

    return watching(bridges, editor, migration, backwards=backwards)
