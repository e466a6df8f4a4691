"""The gate in front of the plan, which lets nothing pass that would hurt and that nobody has acknowledged."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from django.db.migrations.migration import Migration
from django.db.migrations.state import ProjectState

from auto_migrate.databases.base import Database
from auto_migrate.emitter import Emitter
from auto_migrate.events import PlanAssessed
from auto_migrate.history.journal import Position
from auto_migrate.history.store import History
from auto_migrate.phases.divide import refuse_early
from auto_migrate.phases.phase import Phase
from auto_migrate.planning.comparison import Comparison
from auto_migrate.planning.schema_state import has_tables
from auto_migrate.planning.targets import Goal
from auto_migrate.values import MigrationKey, OperationKey

if TYPE_CHECKING:
    from auto_migrate.findings import Acknowledgement, Assessment


class Gate:
    """Judges the plan of each attempt of a run; what it has let pass once, a later attempt may finish."""

    def __init__(
        self,
        database: Database,
        goal: Goal,
        acknowledgements: Sequence[Acknowledgement],
        emit: Emitter,
        *,
        answers: Sequence[str] = (),
    ) -> None:
        self.database = database
        self.goal = goal
        self.acknowledgements = acknowledgements
        self.emit = emit
        # What was answered already, as it is typed: a command that is to be typed next must say it again.
        self.answers = answers
        self._passed: frozenset[MigrationKey] = frozenset()
        # What the last plan was judged to be.
        self.assessment: Assessment | None = None

    def check(self, comparison: Comparison, state: ProjectState, cut: Mapping[MigrationKey, Position]) -> None:
        """Raise `PlanRefused` at findings that nobody has acknowledged; `state` is that of the recorded migrations.

        `cut` are the migrations that an earlier run was cut in.
        """
        refuse_unfit(comparison, self.database.alias)
        judged = frozenset((*comparison.keys, *comparison.deferred))
        if self._passed.issuperset(judged):
            return
        if comparison.backwards or self.is_in_use(comparison):
            self._assess(comparison, state, cut)
        self._passed = judged

    @property
    def held(self) -> Collection[OperationKey]:
        """The operations of the plan that were judged to be held back."""
        return self.assessment.held if self.assessment is not None else ()

    def demand_leave_to_copy(
        self, migration: Migration, operation: int, table: str, reason: str, *, is_unasked: bool = False
    ) -> None:
        """Raise `PlanRefused` unless a table may be copied while writes wait; see `Copying.demand_leave`."""
        from auto_migrate.safety.copying import Copying

        copying = Copying(self.database, self.goal, self.assessment, self.acknowledgements)
        copying.demand_leave(migration, operation, table, reason, is_unasked=is_unasked)

    def tell_unused(self) -> None:
        """Say of acknowledgements that there was no plan in which they could have matched anything."""
        if self.acknowledgements and not self._passed:
            self.emit(PlanAssessed((), (), tuple(self.acknowledgements)))

    def is_in_use(self, comparison: Comparison) -> bool:
        """Return whether the database has what could be hurt: it is not new, nor was left so by a first run."""
        if not comparison.recorded and not has_tables(self.database.connection):
            return False
        begun = set(History(self.database.alias).first_plan())
        # A squash is recorded with what it replaces.
        squashes = comparison.loader.replacements.items()
        begun |= {
            MigrationKey(*old) for node, squash in squashes if MigrationKey(*node) in begun for old in squash.replaces
        }
        recorded = {MigrationKey(*node) for node in comparison.recorded}
        return not (begun.issuperset(recorded) and begun.issuperset(comparison.keys))

    def _assess(self, comparison: Comparison, state: ProjectState, cut: Mapping[MigrationKey, Position]) -> None:
        # Most deploys have no plan, and importing all that judges one costs them as much as all that they do.
        from auto_migrate.safety.hazards.am206_there_already import THERE_ALREADY
        from auto_migrate.safety.plan_assessment import assess_plan, blocking_findings
        from auto_migrate.safety.plan_fingerprint import plan_fingerprint
        from auto_migrate.safety.refusal import refused

        acknowledgements = self.acknowledgements
        assessment = assess_plan(
            self.database,
            comparison,
            state.clone(),
            acknowledgements=acknowledgements,
            cut=cut,
            after_deploy=self.goal.phase is Phase.POST_DEPLOY,
        )
        self.assessment = assessment
        # The database refuses that by itself, and of many schemas perhaps only one.
        blocking = tuple(one for one in blocking_findings(assessment, cut) if one.code != THERE_ALREADY)
        plan = plan_fingerprint(comparison)
        self.emit(PlanAssessed(assessment.findings, blocking, assessment.unmatched, (), plan, assessment.forecast))
        if blocking:
            raise refused(
                blocking, self.goal, self.database.alias, answers=self.answers, backwards=comparison.backwards
            )


def refuse_unfit(comparison: Comparison, database: str) -> None:
    """Raise `PlanRefused` for a plan that cannot be carried out in its order, whatever anybody acknowledges."""
    refuse_early(comparison.early, History(database).released)
    if comparison.backwards:
        # Most plans go forwards.
        from auto_migrate.planning.way_back import refuse_irreversible

        refuse_irreversible(comparison, database)
