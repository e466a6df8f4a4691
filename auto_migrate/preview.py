"""Looking at the pending plan, for those who do not migrate: what it would do to this database, and whether it may."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from django.db import DEFAULT_DB_ALIAS

from auto_migrate.applying.bridges.bridge_manager import counted_on
from auto_migrate.applying.recovery import Resolutions, Verdict, check_open, check_resolutions, unanswered
from auto_migrate.backfills.atomicity import is_in_batches
from auto_migrate.bridge_events import BridgesFound
from auto_migrate.clock import Clock
from auto_migrate.databases import adapter_for
from auto_migrate.databases.base import Database
from auto_migrate.databases.options import asking
from auto_migrate.emitter import Emitter, report_ending
from auto_migrate.events import Listener, MigrationAssessed, NothingPending, PlanAssessed, StateCompared
from auto_migrate.exceptions import AutoMigrateError, BackfillUnfinished, HistoryDiverged, TransientError
from auto_migrate.findings import Acknowledgement, Assessment, Finding
from auto_migrate.history.bridge_ledger import BridgeLedger
from auto_migrate.history.journal import Position
from auto_migrate.phases.phase import ALL, Phase
from auto_migrate.planning.comparison import Comparison, applied_state, compare
from auto_migrate.planning.old_code import judge_for
from auto_migrate.planning.partial_migrations import interruptions
from auto_migrate.planning.targets import Goal
from auto_migrate.request import RunRequest
from auto_migrate.safety.gate import refuse_unfit
from auto_migrate.safety.plan_assessment import assess_plan, blocking_findings, while_waiting
from auto_migrate.safety.plan_fingerprint import plan_fingerprint
from auto_migrate.safety.refusal import refused
from auto_migrate.tenancy import Tenancy, in_public, shared_schema, tenancy_of, without_tenants
from auto_migrate.values import MigrationKey
from auto_migrate.watchdog import bounded_questions

if TYPE_CHECKING:
    from auto_migrate.fleet.shared_plan import SharedPlan


def preview(
    database: str = DEFAULT_DB_ALIAS,
    *,
    goal: Goal | None = None,
    acknowledgements: Sequence[Acknowledgement] = (),
    resolutions: Resolutions | None = None,
    tenants: Collection[str] = (),
    listeners: Sequence[Listener] = (),
    clock: Clock | None = None,
) -> Assessment:
    """Compare and judge, changing nothing; the listeners are told each migration, its statements and its findings.

    What is left for after the deploy is judged too. Of tenants only `tenants` are looked at, if any are named. Raise
    `PlanRefused` if the release step would, `HistoryDiverged`, `DatabaseUnreachable` or `DatabaseRefused` if there is
    no plan to be had, `HistoryDiverged` too where a run would ask what became of an operation that was cut
    (`resolutions` answer that), and `BackfillUnfinished` where it would not wait for a backfill.
    """
    goal, emit = goal or Goal(), Emitter(database, uuid.uuid4(), listeners, clock or Clock())
    with report_ending(emit, waiting=True), in_public(database), bounded_questions(adapter_for(database), emit):
        emit.schema = shared_schema(database)
        seen = judge(database, goal, acknowledgements, resolutions, with_sql=True, with_left=True)
        comparison, assessment = seen.comparison, seen.assessment
        told = (comparison.state, comparison.keys, comparison.unknown, comparison.deferred)
        emit(StateCompared(*told, goal.phase or ALL))
        tell_bridges(database, seen, goal, emit)
        left = frozenset(comparison.whole_keys) - frozenset(comparison.keys)
        # What is done now comes first.
        for assessed in sorted(assessment.migrations, key=lambda assessed: assessed.migration in left):
            emit(MigrationAssessed(assessed, assessed.migration in left))
        later = tuple(one for one in seen.blocking if one.migration in left and not while_waiting(one))
        blocking = tuple(one for one in seen.blocking if one not in later)
        emit(judged_event(assessment, blocking, comparison, later, seen.obstacle))
        of_tenants = preview_tenants(database, goal, acknowledgements, emit, tenants)
        if not comparison.plan and not seen.obstacle and not of_tenants.plans:
            emit(NothingPending(comparison.state, 0.0))
        blocking, obstacle = (*blocking, *of_tenants.blocking), seen.obstacle or of_tenants.obstacle
        # A run asks for backfills last: what is refused is refused first.
        if blocking and (obstacle is None or isinstance(obstacle, BackfillUnfinished)):
            answers = RunRequest(resolutions=resolutions or {}).answers
            raise refused(blocking, goal, database, looking=True, answers=answers, backwards=comparison.backwards)
        if obstacle:
            raise obstacle
    return assessment


def tell_bridges(database: str, seen: Judged, goal: Goal, emit: Emitter) -> None:
    """Show the bridges that stand, and which of them a run would take down, if there are any."""
    if not (standing := BridgeLedger(database).everywhere()):
        return
    due = judge_for(database, standing, seen.comparison, goal).due
    others = [bridge for bridge in standing if bridge not in due]
    emit(BridgesFound(standing, (*due, *counted_on(others, adapter_for(database), seen.comparison, seen.cut))))


def judged_event(
    assessment: Assessment,
    blocking: tuple[Finding, ...],
    comparison: Comparison,
    later: tuple[Finding, ...],
    obstacle: AutoMigrateError | None,
) -> PlanAssessed:
    """Return what listeners are told of a plan that was judged."""
    told = obstacle.message if obstacle else ""
    judged = (assessment.unmatched, later, plan_fingerprint(comparison), assessment.forecast, told)
    return PlanAssessed(assessment.findings, blocking, *judged, assessment.unlooked)


@dataclasses.dataclass(frozen=True)
class PreviewedTenants:
    """How many plans tenants need, the findings that stop any of them, and the first backfill that does."""

    plans: int = 0
    blocking: tuple[Finding, ...] = ()
    obstacle: AutoMigrateError | None = None


def preview_tenants(
    database: str, goal: Goal, acknowledgements: Sequence[Acknowledgement], emit: Emitter, tenants: Collection[str] = ()
) -> PreviewedTenants:
    """Show one plan after the other, each with the schemas that share it, and what was found in it."""
    tenancy = tenancy_of(database)
    if tenancy is None:
        if tenants:
            raise without_tenants(database)
        return PreviewedTenants()
    # Most projects have none.
    from auto_migrate.fleet.inventory import take_inventory
    from auto_migrate.fleet.shared_plan import compared, plans_for

    adapter, blocking, obstacles = adapter_for(database), list[Finding](), list[AutoMigrateError]()
    try:
        with asking(adapter):
            inventory = take_inventory(tenancy).chosen(tenants)
            plans = plans_for(adapter, tenancy, inventory, goal)
            pending = [plan for plan in plans if plan.comparison.plan]
            for plan in pending:
                emit(compared(inventory, [plan]))
                found, unfinished = preview_plan(plan, tenancy, goal, acknowledgements, emit)
                blocking += found
                obstacles += [unfinished] if unfinished else []
            if not pending:
                emit(compared(inventory, plans))
    except TransientError as fault:
        raise adapter.unreachable(fault) from fault
    return PreviewedTenants(len(pending), tuple(blocking), next(iter(obstacles), None))


def preview_plan(
    plan: SharedPlan, tenancy: Tenancy, goal: Goal, acknowledgements: Sequence[Acknowledgement], emit: Emitter
) -> tuple[tuple[Finding, ...], AutoMigrateError | None]:
    """Show the migrations of one plan as they are in its first schema; return what stops it."""
    from auto_migrate.fleet.largest_tables import LargestTablesAdapter
    from auto_migrate.fleet.worker_pool import worker_count

    largest, comparison = LargestTablesAdapter(tenancy.alias, plan.group.names), plan.comparison
    with tenancy.entered(plan.group.tenants[0]):
        assessment = assess_plan(
            largest,
            comparison,
            plan.state.clone(),
            acknowledgements=acknowledgements,
            with_sql=True,
            after_deploy=goal.phase is Phase.POST_DEPLOY,
        )
        blocking = blocking_findings(assessment, {})
        for assessed in assessment.migrations:
            emit(MigrationAssessed(assessed))
        unfinished = unfinished_backfill(
            adapter_for(tenancy.alias), comparison, plan.group.names, at_once=worker_count()
        )
        emit(judged_event(assessment, blocking, comparison, (), unfinished))
    return blocking, unfinished


@dataclasses.dataclass(frozen=True)
class Judged:
    """A plan as it was judged: the findings that stop it, now or later, and what does so whatever is acknowledged.

    `cut` are the migrations that an earlier run was cut in, from where a run would go on.
    """

    comparison: Comparison
    cut: Mapping[MigrationKey, Position]
    assessment: Assessment
    blocking: tuple[Finding, ...]
    obstacle: AutoMigrateError | None


def judge(
    database: str,
    goal: Goal,
    acknowledgements: Sequence[Acknowledgement] = (),
    resolutions: Resolutions | None = None,
    *,
    with_sql: bool = False,
    with_left: bool = False,
) -> Judged:
    """Compare and judge once; raise `HistoryDiverged`, `DatabaseUnreachable` or `DatabaseRefused`."""
    adapter = adapter_for(database)
    try:
        with asking(adapter):
            comparison = compare(adapter, goal)
            cut = interruptions(adapter, comparison.recorded).cut
            check_resolutions(resolutions or {}, cut, comparison, database)
            # What the operator says was done is not to be done.
            left = {
                key: at_next(position, (resolutions or {}).get((key, position.started or 0)))
                for key, position in cut.items()
            }
            assessment = assess_plan(
                adapter,
                comparison,
                applied_state(comparison),
                acknowledgements=acknowledgements,
                cut=left,
                with_sql=with_sql,
                with_left=with_left,
                after_deploy=goal.phase is Phase.POST_DEPLOY,
            )
            return Judged(
                comparison,
                left,
                assessment,
                blocking_findings(assessment, cut),
                obstacle(adapter, comparison, cut, resolutions or {}),
            )
    except TransientError as fault:
        raise adapter.unreachable(fault) from fault


def at_next(position: Position, verdict: Verdict | None) -> Position:
    """Return where a run would go on from, where the operator has said what became of the operation that was cut."""
    is_one = position.started is not None and position.statements is None
    return dataclasses.replace(position, done=position.done + 1) if verdict is Verdict.DONE and is_one else position


def obstacle(
    database: Database, comparison: Comparison, cut: Mapping[MigrationKey, Position], resolutions: Resolutions
) -> AutoMigrateError | None:
    """Return what would end a run before it carries anything out, findings aside."""
    try:
        check_open(database, cut, comparison)
        refuse_unfit(comparison, database.alias)
    except AutoMigrateError as error:
        return error
    for migration, _backwards in comparison.plan:
        key = MigrationKey.of(migration)
        position = cut.get(key)
        if position is None or (key, position.started) in resolutions:
            continue
        if (question := unanswered(database, migration, position)) is not None:
            return HistoryDiverged(question.message, hint=question.hint)
    return unfinished_backfill(database, comparison)


def unfinished_backfill(
    database: Database, comparison: Comparison, schemas: Collection[str] = ("",), *, at_once: int = 1
) -> AutoMigrateError | None:
    """Return what a run would say of a backfill that the plan needs, in some schemas, and that it does not wait for."""
    if any(is_in_batches(one) for migration, _backwards in comparison.plan for one in migration.operations):
        # Most plans have no backfill.
        from auto_migrate.backfills.outlook import refuse_unfinished

        try:
            refuse_unfinished(database, comparison.plan, comparison.loader.graph, schemas=schemas, at_once=at_once)
        except AutoMigrateError as error:
            return error
    return None
