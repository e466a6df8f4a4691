"""The pipeline: wait → compare → lock → recover → assess → apply → verify.

`migrate` brings one database to where this code needs it, and each tenant's schema if it has any. A transient error
anywhere starts the next attempt, which begins with a fresh look at what is recorded and so repeats nothing that was
committed.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from django.db import DEFAULT_DB_ALIAS
from django.db.migrations.state import ProjectState
from django.utils.translation import gettext as _

from auto_migrate.applying.squashes import finish_squashes, half_recorded
from auto_migrate.backfills.atomicity import is_in_batches
from auto_migrate.clock import Clock
from auto_migrate.code_lock import APP_CODE
from auto_migrate.conf import get_settings
from auto_migrate.databases import adapter_for
from auto_migrate.databases.base import Database, DeployLock
from auto_migrate.databases.direct import directly
from auto_migrate.databases.options import refuse_manual_commits
from auto_migrate.emitter import Emitter, report_ending
from auto_migrate.events import (
    AttemptStarted,
    Listener,
    MigratingStarted,
    OlderReleasesNoticed,
    PlanMade,
    PoolerNoticed,
    RunClaimed,
    RunStarted,
    RunSucceeded,
    StateCompared,
    VerifyStarted,
)
from auto_migrate.exceptions import HistoryDiverged, MigrationFailed, RunNotQueued
from auto_migrate.history.channel import Channel
from auto_migrate.history.journal import Position, open_journals
from auto_migrate.history.listener import HistoryListener
from auto_migrate.history.models import BackfillRecord
from auto_migrate.history.optional_tables import has_table
from auto_migrate.history.store import History
from auto_migrate.lock_wait import hold_deploy_lock
from auto_migrate.phases.phase import ALL, Phase
from auto_migrate.planning.comparison import Comparison, applied_state, compare, left_undone, still_true
from auto_migrate.planning.fingerprint import Code, Fingerprint, Known, code_of_process
from auto_migrate.planning.old_code import note_release, waits_for_run
from auto_migrate.planning.schema_state import needs_of, recorded_rows
from auto_migrate.planning.targets import Goal
from auto_migrate.record_events import RecordMended
from auto_migrate.request import RunRequest
from auto_migrate.retry import Retry, retry_transient_errors
from auto_migrate.safety.gate import Gate
from auto_migrate.system_checks import refuse_errors
from auto_migrate.tenancy import in_public, tenancy_of, without_tenants
from auto_migrate.values import MigrationKey, Node, SchemaState, ValueObject
from auto_migrate.watchdog import watched

if TYPE_CHECKING:
    from auto_migrate.applying.table_alterations import TableAlterations
    from auto_migrate.fleet.tenants_run import TenantsRun


class Result(ValueObject):
    """How a run ended well: the state of the database, and how many migrations it took."""

    run_id: uuid.UUID
    state: SchemaState
    applied: int


def migrate(
    database: str = DEFAULT_DB_ALIAS,
    request: RunRequest | None = None,
    *,
    listeners: Sequence[Listener] = (),
    clock: Clock | None = None,
) -> Result:
    """Bring one database to the leaf nodes of this code, or to what a request asks for.

    Raise `AutoMigrateError` (see `auto_migrate.exceptions`) for every run that does not end well.
    """
    request = request or RunRequest()
    history = HistoryListener(database, requested_by=request.requested_by, queued=request.queued is not None)
    clock = clock or Clock()
    channel = Channel(history, clock)
    emit = Emitter(database, request.queued or uuid.uuid4(), [history, channel, *listeners], clock)
    adapter = adapter_for(database)
    with (
        in_public(database),
        directly(database),
        adapter.guarded(),
        watched(adapter, emit),
        channel.opened(adapter.connection),
    ):
        return Run(adapter, request, emit).run()


def fleet_of(database: Database, goal: Goal, request: RunRequest, emit: Emitter) -> TenantsRun | None:
    """Return the tenants of a database, None if it has none; raise `UsageError` where some are named all the same."""
    if (tenancy := tenancy_of(database.alias)) is not None:
        # Most projects have none.
        from auto_migrate.fleet.tenants_run import TenantsRun

        return TenantsRun(database, tenancy, goal, request, emit)
    if request.tenants or request.canaries:
        raise without_tenants(database.alias)
    return None


class EndState(ValueObject):
    """What an attempt found or made of the database, and the fingerprint of what it is up to date with, if any."""

    state: SchemaState
    fingerprint: str = ""


class Run:
    """One run on one database."""

    def __init__(self, database: Database, request: RunRequest, emit: Emitter) -> None:
        self.database = database
        self.request = request
        self.emit = emit
        self.goal = request.goal or Goal.asked(None, None)
        self.retry = request.retry or Retry.configured()
        self.gate = Gate(database, self.goal, request.acknowledgements, emit, answers=request.answers)
        self.fleet = fleet_of(database, self.goal, request, emit)

    @property
    def is_whole(self) -> bool:
        """Return whether no app and no tenant is left out."""
        return self.goal.is_whole and not self.request.tenants

    def run(self) -> Result:
        """Make attempts until one succeeds; tell the listeners how it ended."""
        started = self.emit.clock.monotonic()
        with report_ending(self.emit):
            self.emit(RunStarted(self.retry.attempts, self.goal.phase or ALL))
            end = retry_transient_errors(self.database, self.attempt, retry=self.retry, emit=self.emit)
        self.gate.tell_unused()
        duration = self.emit.clock.monotonic() - started
        self.emit(RunSucceeded(end.state, self.emit.applied, duration, end.fingerprint))
        return Result(self.emit.run_id, end.state, self.emit.applied)

    def attempt(self, number: int) -> EndState:
        """Go through the stages once; a transient error in any of them ends the attempt and not the run."""
        self.wait(number)
        code = self.read_code()
        known = self.known(code) if code is not None else None
        if not self.request.skip_checks and (known is None or not known.is_checked):
            refuse_errors(self.database.alias)
        if code is not None and known is not None and (end := self.take_short_way(code, known)):
            return end
        comparison = self.compare_if_possible()
        if comparison is not None and self.is_ahead(comparison):
            return EndState(comparison.state)
        if self.request.await_turn is not None:
            self.request.await_turn(self.may_compute(comparison), self.emit)
        with self.lock() as lock:
            if self.recover() or comparison is None or not still_true(comparison, self.database):
                comparison = self.compare()
            cut, state = self.cut(comparison), applied_state(comparison)
            self.assess(comparison, state, cut)
            with self.announced():
                self.apply(comparison, lock, state, cut)
            if self.fleet is not None:
                self.fleet.migrate(lock)
        end = self.verify(comparison, code)
        if self.is_whole and self.goal.phase is not Phase.POST_DEPLOY:
            note_release(self.database.alias)
        return end

    def wait(self, number: int) -> None:
        """Make sure that the database answers and accepts writes; take the run over where it was asked for before."""
        self.emit(AttemptStarted(number, self.retry.attempts))
        refuse_manual_commits(self.database)
        self.database.prepare()
        if self.fleet is not None:
            self.fleet.check()
        if self.request.queued is None:
            return
        if not History(self.database.alias).claim(self.request.queued):
            raise RunNotQueued(
                _("Run {run_id} is not queued here (any more), so nothing was done.").format(run_id=self.emit.run_id),
                hint=_("Ask for another: POST force-migrate/, or manage.py auto_migrate"),
            )
        # At each attempt: the one that took it over may have been cut before it could say so.
        self.emit(RunClaimed())

    def read_code(self) -> Code | None:
        """Return what a fingerprint is made of; None where the goal is less than everything, or none can be had."""
        # Read once, before any migration is imported: files that are edited under a worker are not what it carries out.
        return code_of_process(self.database.alias) if self.is_whole else None

    def known(self, code: Code) -> Known | None:
        """Return what the last run knew of this code, None if it did not find the database up to date with it.

        An earlier run would not do: another release may have sent `post_migrate` since.
        """
        if self.request.resolutions:
            # Whoever answers a question is told if nobody had asked it.
            return None
        fingerprint = code.fingerprint(self.recorded())
        last = History(self.database.alias).last_answer(but=self.emit.run_id)
        known = Known(fingerprint, Fingerprint.parsed(last.fingerprint), last.may_have_bridges)
        return known if known.is_same_schema else None

    def recorded(self) -> Sequence[Node]:
        """Return what is recorded: the rows, or of tenants which records there are."""
        return recorded_rows(self.database.connection) if self.fleet is None else self.fleet.recorded()

    def take_short_way(self, code: Code, known: Known) -> EndState | None:
        """End a run with nothing pending; None where that proves not to be the way."""
        # Receivers hear of new code in the schema of each tenant.
        if self.fleet is not None:
            if not known.is_heard or waits_for_run(self.database.alias, self.goal, self.fleet.names):
                return None
        elif known.may_have_bridges and waits_for_run(self.database.alias, self.goal):
            return None
        if not known.is_heard and not self.announce(code):
            return None
        self.emit(StateCompared(SchemaState.UP_TO_DATE, (), ()))
        self.emit(MigratingStarted())
        self.emit(PlanMade(code.app_labels, None, (), backwards=False))
        self.emit(VerifyStarted())
        return EndState(SchemaState.UP_TO_DATE, known.learned(skipped_checks=self.request.skip_checks))

    def announce(self, code: Code) -> bool:
        """Let receivers hear of code that changes nothing of the schema; return whether that is all there is to do."""
        from auto_migrate.applying.migrate_signals import send_to_others

        with self.lock():
            known = self.known(code)
            return known is not None and (known.is_heard or send_to_others(self.database, self.request.audience))

    def compare_if_possible(self) -> Comparison | None:
        """Compare; None where a half-recorded squash stands in the way, which needs the deploy lock to be mended."""
        try:
            return self.compare()
        except HistoryDiverged:
            if not half_recorded(self.database):
                raise
            return None

    def compare(self) -> Comparison:
        """Plan the way from what is recorded to what the code needs."""
        comparison = compare(self.database, self.goal)
        phase = self.goal.phase or ALL
        self.emit(StateCompared(comparison.state, comparison.keys, comparison.unknown, comparison.deferred, phase))
        return comparison

    def is_ahead(self, comparison: Comparison) -> bool:
        """Return whether there is nothing to do since the database is of a newer release."""
        is_newer = comparison.state is SchemaState.AHEAD and not self.request.resolutions
        is_alone = self.fleet is None or self.fleet.is_settled(needs_of(comparison.loader))
        return is_newer and is_alone and set(comparison.unknown).issuperset(open_journals(self.database.alias))

    def may_compute(self, comparison: Comparison | None) -> bool:
        """Return whether a migration of the plan is code of others, or nobody can tell yet."""
        if comparison is None or self.fleet is not None:
            return True
        # One database alone has nobody who asks.
        from auto_migrate.applying.operation_loop import computes_nothing

        return not all(computes_nothing(migration, backwards=backwards) for migration, backwards in comparison.plan)

    def lock(self) -> contextlib.AbstractContextManager[DeployLock]:
        """Hold the deploy lock, for which others are waited as long as the request or the settings say."""
        wait = self.request.lock_wait
        return hold_deploy_lock(self.database, self.emit, lock_wait=get_settings().LOCK_WAIT if wait is None else wait)

    def recover(self) -> bool:
        """Mend the record where an interrupted run of another tool left half of it; return whether there was need."""
        finished = finish_squashes(self.database)
        if finished:
            self.emit(RecordMended(finished))
        return bool(finished)

    def cut(self, comparison: Comparison) -> Mapping[MigrationKey, Position]:
        """Return the migrations that an earlier run was cut in; raise where the plan or the answers do not fit them."""
        cut = open_journals(self.database.alias)
        if cut or self.request.resolutions:
            from auto_migrate.applying.recovery import check_open, check_resolutions

            # Else what is answered may be asked by a tenant's schema.
            if self.fleet is None or not self.fleet.is_cut:
                check_resolutions(self.request.resolutions, cut, comparison, self.database.alias)
            check_open(self.database, cut, comparison)
        return cut

    def assess(self, comparison: Comparison, state: ProjectState, cut: Mapping[MigrationKey, Position]) -> None:
        """Judge the plan for this database; raise `PlanRefused` at findings that nobody has acknowledged."""
        with APP_CODE:
            self.gate.check(comparison, state, cut)
        if any(is_in_batches(one) for migration, _backwards in comparison.plan for one in migration.operations):
            # Most plans have no backfill.
            from auto_migrate.backfills.outlook import refuse_unfinished

            refuse_unfinished(self.database, comparison.plan, comparison.loader.graph)
        if self.fleet is not None:
            self.fleet.prepare()

    def announced(self) -> contextlib.AbstractContextManager[None]:
        """Send the signals of a package for tenants around what is done in the schema that all share."""
        if self.fleet is None:
            return contextlib.nullcontext()
        return self.fleet.announced(self.fleet.tenancy.public, self.database)

    def apply(
        self, comparison: Comparison, lock: DeployLock, state: ProjectState, cut: Mapping[MigrationKey, Position]
    ) -> None:
        """Carry out the plan, from the state that the recorded migrations make, with Django's signals around it."""
        # Most deploys have nothing to do, and importing all that carries a plan out costs them as much as what they do.
        from auto_migrate.applying import migrate_signals as signals
        from auto_migrate.applying.bridges.bridge_manager import BridgeManager
        from auto_migrate.applying.executor import Executor

        plan = comparison.plan
        # Asked before the history knows of the plan, and of all that it tells of this database.
        in_use = bool(plan or comparison.deferred) and self.gate.is_in_use(comparison)
        bridges = BridgeManager(self.database, comparison, self.goal, in_use=in_use, lock=lock, emit=self.emit)
        bridges.take_down(cut)
        signals.register_receivers()
        self.notice_others(comparison)
        self.emit(MigratingStarted())
        with signals.telling_receivers(self.database, "pre_migrate"):
            signals.send_pre_migrate(self.database.alias, state, plan, self.request.audience)
        labels = sorted({app_label for app_label, _name in comparison.targets})
        self.emit(PlanMade(tuple(labels), comparison.target, comparison.keys, comparison.backwards))
        executor = Executor(
            self.database,
            comparison,
            lock=lock,
            emit=self.emit,
            resolutions=self.request.resolutions,
            bridges=bridges.builder(self.gate.held),
            open_journals=cut,
            in_use=in_use,
            alterations=self.alterations(in_use=in_use),
        )
        state = executor.migrate(comparison.targets, plan=plan, state=state.clone())
        bridges.finish()
        with signals.telling_receivers(self.database, "post_migrate"):
            signals.send_post_migrate(self.database.alias, state, plan, self.request.audience)
        bridges.demand_made()

    def notice_others(self, comparison: Comparison) -> None:
        """Say what of a pooler, or of clients of other releases, is in the way of a plan."""
        if self.database.pooled and not all(migration.atomic for migration, _backwards in comparison.plan):
            self.emit(PoolerNoticed())
        if self.goal.phase is Phase.POST_DEPLOY and comparison.plan and (others := self.database.other_releases()):
            self.emit(OlderReleasesNoticed(others))

    def alterations(self, *, in_use: bool) -> TableAlterations | None:
        """Return what asks for ways to change tables that hold nobody up, where each statement commits by itself."""
        if self.database.transactional_ddl:
            return None
        from auto_migrate.applying.table_alterations import alterations_of

        return alterations_of(self.database, self.gate.demand_leave_to_copy, in_use=in_use)

    def verify(self, comparison: Comparison, code: Code | None) -> EndState:
        """Look once more at the record; raise `MigrationFailed` if the plan did not come to pass."""
        self.emit(VerifyStarted())
        if undone := left_undone(comparison, self.database):
            raise MigrationFailed(
                _("After the run the record contradicts the plan: {names}.").format(names=", ".join(map(str, undone))),
                hint=_("Another process may have changed the record. Compare: manage.py showmigrations --plan"),
            )
        if (comparison.plan or self.fleet is not None) and has_table(self.database.alias, BackfillRecord):
            from auto_migrate.backfills.background import tell_unfinished

            tell_unfinished(self.database.alias, self.emit)
        recorded, needs = recorded_rows(self.database.connection), needs_of(comparison.loader)
        everywhere = recorded if self.fleet is None else self.fleet.verify(needs, comparison.deferred)
        if self.fleet is not None and self.fleet.is_behind:
            # Somebody wanted some of the tenants only.
            return EndState(SchemaState.BEHIND)
        if comparison.unknown:
            return EndState(SchemaState.AHEAD)
        # Receivers of pre_migrate may have taken migrations out of the plan: then the next run has to look again.
        left = set(needs.missing(recorded))
        if self.is_whole and left.difference((key.app_label, key.name) for key in comparison.deferred):
            return EndState(SchemaState.BEHIND)
        if code is None or everywhere is None or left:
            return EndState(SchemaState.UP_TO_DATE)
        fingerprint = code.fingerprint(everywhere)
        if self.request.skip_checks:
            fingerprint = fingerprint.unchecked()
        return EndState(SchemaState.UP_TO_DATE, str(fingerprint))
