"""Looking at the pending plan, for those who do not migrate: what it would do to this database, and whether it may."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from django.db import DEFAULT_DB_ALIAS

from auto_migrate.bridge_events import BridgesFound
from auto_migrate.clock import Clock
from auto_migrate.databases import adapter_for
from auto_migrate.databases.options import asking
from auto_migrate.emitter import Emitter, report_ending
from auto_migrate.events import Listener, MigrationAssessed, NothingPending, PlanAssessed, StateCompared
from auto_migrate.exceptions import TransientError
from auto_migrate.findings import Acknowledgement, Assessment
from auto_migrate.history.bridge_ledger import BridgeLedger
from auto_migrate.history.store import History
from auto_migrate.phases.divide import refuse_early
from auto_migrate.phases.phase import ALL
from auto_migrate.planning.comparison import Comparison, applied_state, compare
from auto_migrate.planning.old_code import judge_for
from auto_migrate.planning.targets import Goal
from auto_migrate.safety.plan_assessment import assess_plan, blocking_level
from auto_migrate.safety.plan_fingerprint import plan_fingerprint
from auto_migrate.safety.refusal import refused


def preview(
    database: str = DEFAULT_DB_ALIAS,
    *,
    goal: Goal | None = None,
    acknowledgements: Sequence[Acknowledgement] = (),
    listeners: Sequence[Listener] = (),
    clock: Clock | None = None,
) -> Assessment:
    """Compare and judge, changing nothing; the listeners are told each migration, its statements and its findings.

    What is left for after the deploy is judged too. Raise `PlanRefused` if the release step would, `HistoryDiverged`,
    `DatabaseUnreachable` or `DatabaseRefused` if there is no plan to be had.
    """
    goal, emit = goal or Goal(), Emitter(database, uuid.uuid4(), listeners, clock or Clock())
    with report_ending(emit):
        comparison, assessment = judge(database, goal, acknowledgements, with_sql=True, with_left=True)
        phase = goal.phase or ALL
        emit(StateCompared(comparison.state, comparison.keys, comparison.unknown, comparison.deferred, phase))
        if standing_bridges := BridgeLedger(database).standing():
            emit(BridgesFound(standing_bridges, judge_for(database, standing_bridges, comparison, goal).due))
        left = frozenset(comparison.whole_keys) - frozenset(comparison.keys)
        # What is done now comes first.
        for assessed in sorted(assessment.migrations, key=lambda assessed: assessed.migration in left):
            emit(MigrationAssessed(assessed, assessed.migration in left))
        standing = assessment.standing(blocking_level())
        blocking = tuple(finding for finding in standing if finding.migration not in left)
        later = tuple(finding for finding in standing if finding.migration in left)
        plan = plan_fingerprint(comparison)
        emit(PlanAssessed(assessment.findings, blocking, assessment.unmatched, later, plan, assessment.forecast))
        if not comparison.plan:
            emit(NothingPending(comparison.state, 0.0))
        refuse_early(comparison.early, History(database).released)
        if blocking:
            raise refused(blocking, goal, database, looking=True)
    return assessment


def judge(
    database: str,
    goal: Goal,
    acknowledgements: Sequence[Acknowledgement] = (),
    *,
    with_sql: bool = False,
    with_left: bool = False,
) -> tuple[Comparison, Assessment]:
    """Compare and judge once; raise `HistoryDiverged`, `DatabaseUnreachable` or `DatabaseRefused`."""
    adapter = adapter_for(database)
    try:
        with asking(adapter):
            comparison = compare(adapter, goal)
            state = applied_state(comparison)
            assessment = assess_plan(
                adapter, comparison, state, acknowledgements=acknowledgements, with_sql=with_sql, with_left=with_left
            )
            return comparison, assessment
    except TransientError as fault:
        raise adapter.unreachable(fault) from fault
