"""The pipeline: wait → compare → lock → recover → assess → apply → verify.

`migrate` brings one database to where this code needs it. A passing fault anywhere starts the next attempt, which
begins with a fresh look at what is recorded and so repeats nothing that was committed.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.db import DEFAULT_DB_ALIAS
from django.db.migrations.state import ProjectState
from django.utils.translation import gettext as _

from auto_migrate.applying.executor import Executor
from auto_migrate.applying.recovery import Resolution, Resolutions, check_open, check_pending
from auto_migrate.applying.signals import Audience, register_receivers, send_post_migrate, send_pre_migrate
from auto_migrate.applying.squashes import finish_squashes, half_recorded
from auto_migrate.clock import Clock
from auto_migrate.conf import get_settings
from auto_migrate.databases import adapter_for
from auto_migrate.databases.base import Database, DeployLock
from auto_migrate.databases.direct import directly
from auto_migrate.emitter import Emitter, Tally, report_ending
from auto_migrate.events import (
    AttemptStarted,
    Listener,
    MigratingStarted,
    OlderReleasesNoticed,
    PlanAssessed,
    PlanMade,
    PoolerNoticed,
    RecordMended,
    RunClaimed,
    RunStarted,
    RunSucceeded,
    StateCompared,
    VerifyStarted,
)
from auto_migrate.exceptions import (
    HistoryDiverged,
    MigrationFailed,
    RunNotQueued,
)
from auto_migrate.history.journal import open_journals
from auto_migrate.history.listener import HistoryListener
from auto_migrate.history.store import History
from auto_migrate.lock_wait import hold_deploy_lock
from auto_migrate.phases.divide import refuse_early
from auto_migrate.phases.phase import ALL, Phase
from auto_migrate.planning.comparison import Comparison, applied_state, compare, left_undone, still_true
from auto_migrate.planning.fingerprint import Code, code_of_process
from auto_migrate.planning.schema_state import has_tables, needs_of, recorded_rows
from auto_migrate.planning.targets import Goal
from auto_migrate.retry import Retry, retry_transient_errors
from auto_migrate.values import MigrationKey, SchemaState

if TYPE_CHECKING:
    from auto_migrate.findings import Acknowledgement


@dataclasses.dataclass(frozen=True)
class Result:
    """How a run ended well: the state of the database, and how many migrations it took."""

    run_id: uuid.UUID
    state: SchemaState
    applied: int


def migrate(
    database: str = DEFAULT_DB_ALIAS,
    *,
    app_label: str | None = None,
    migration_name: str | None = None,
    phase: str | None = None,
    max_retries: int | None = None,
    retry_delay: float | None = None,
    lock_wait: float | None = None,
    run_id: uuid.UUID | None = None,
    requested_by: str = "",
    resolutions: Sequence[Resolution] = (),
    acknowledgements: Sequence[Acknowledgement] = (),
    listeners: Sequence[Listener] = (),
    clock: Clock | None = None,
    audience: Audience | None = None,
) -> Result:
    """Bring one database to the leaf nodes of this code, of one app, or to one migration.

    What is None comes from the settings. `phase` is `all`, `pre_deploy` or `post_deploy`. `max_retries` counts the
    attempts in all; `retry_delay` and `lock_wait` are seconds. A `run_id` that the history knows as queued is carried
    out under that name; `resolutions` settle operations that an earlier run was cut in, `acknowledgements` let hazards
    of the plan pass. Raise `AutoMigrateError` (see `auto_migrate.exceptions`) for every run that does not end well.
    """
    settings = get_settings()
    recorder = HistoryListener(database, requested_by=requested_by, awaited=run_id is not None)
    release = Run(
        adapter_for(database),
        Goal.asked(app_label, migration_name, phase),
        retry=Retry(
            settings.MAX_RETRIES if max_retries is None else max_retries,
            settings.RETRY_DELAY if retry_delay is None else retry_delay,
        ),
        lock_wait=settings.LOCK_WAIT if lock_wait is None else lock_wait,
        emit=Emitter(database, run_id or uuid.uuid4(), [recorder, *listeners], clock or Clock()),
        awaited=run_id is not None,
        audience=audience or Audience(),
        acknowledgements=acknowledgements,
        resolutions={(resolution.migration, resolution.operation): resolution.verdict for resolution in resolutions},
    )
    with directly(database):
        return release.run()


class Run:
    """One run on one database."""

    def __init__(
        self,
        database: Database,
        goal: Goal,
        *,
        retry: Retry,
        lock_wait: float,
        emit: Emitter,
        awaited: bool,
        audience: Audience,
        resolutions: Resolutions,
        acknowledgements: Sequence[Acknowledgement] = (),
    ) -> None:
        self.database = database
        self.goal = goal
        self.retry = retry
        self.lock_wait = lock_wait
        self.emit = emit
        self.awaited = awaited
        self.audience = audience
        self.resolutions = resolutions
        self.acknowledgements = acknowledgements
        self.judged: frozenset[MigrationKey] = frozenset()
        self.tally = Tally()
        self.code: Code | None = None
        self.fingerprint = ""

    def run(self) -> Result:
        """Make attempts until one succeeds; tell the listeners how it ended."""
        started = self.emit.clock.monotonic()
        with report_ending(self.emit, self.tally):
            self.emit(RunStarted(self.retry.attempts, self.goal.phase or ALL))
            state = retry_transient_errors(self.database, self.attempt, retry=self.retry, emit=self.emit)
        duration = self.emit.clock.monotonic() - started
        self.emit(RunSucceeded(state, self.tally.done, duration, self.fingerprint))
        return Result(self.emit.run_id, state, self.tally.done)

    def attempt(self, number: int) -> SchemaState:
        """Go through the stages once; a passing fault in any of them ends the attempt and not the run."""
        self.emit(AttemptStarted(number, self.retry.attempts))
        self.database.prepare()
        if self.awaited:
            self.claim()
        if self.is_known():
            return SchemaState.UP_TO_DATE
        comparison = self.compare_if_possible()
        if comparison is not None and comparison.state is SchemaState.AHEAD and not open_journals(self.database.alias):
            return comparison.state
        with hold_deploy_lock(self.database, self.emit, lock_wait=self.lock_wait) as lock:
            if self.recover() or comparison is None or not still_true(comparison, self.database):
                comparison = self.compare()
            state = applied_state(comparison)
            refuse_early(comparison.early, History(self.database.alias).released)
            check_open(self.database, open_journals(self.database.alias), comparison)
            self.assess(comparison, state)
            self.apply(comparison, lock, state)
        return self.verify(comparison)

    def claim(self) -> None:
        """Take over the run that was asked for; raise `RunNotQueued` if somebody else has begun or given it up."""
        if not History(self.database.alias).claim(self.emit.run_id):
            raise RunNotQueued(
                _("Run {run_id} is not queued here (any more), so nothing was done.").format(run_id=self.emit.run_id),
                hint=_("Ask for another: POST force-migrate/, or manage.py auto_migrate"),
            )
        self.awaited = False
        self.emit(RunClaimed())

    def is_known(self) -> bool:
        """Return by its fingerprint whether the last run found the database up to date with exactly this code.

        An earlier one would not do: another release may have sent `post_migrate` since.
        """
        # Read once, before any migration is imported: files that are edited under a worker are not what it carries out.
        code = self.code = code_of_process(self.database.alias) if self.goal.is_whole else None
        if code is None:
            return False
        fingerprint = code.fingerprint(recorded_rows(self.database.connection))
        if not History(self.database.alias).knew_last(fingerprint, but=self.emit.run_id):
            return False
        self.emit(StateCompared(SchemaState.UP_TO_DATE, (), ()))
        self.emit(MigratingStarted())
        self.emit(PlanMade(code.app_labels, None, (), backwards=False))
        self.emit(VerifyStarted())
        return True

    def compare_if_possible(self) -> Comparison | None:
        """Compare; None where a half-recorded squash stands in the way, which needs the deploy lock to be mended."""
        try:
            return self.compare()
        except HistoryDiverged:
            if not half_recorded(self.database):
                raise
            return None

    def recover(self) -> bool:
        """Mend the record where an interrupted run of another tool left half of it; return whether there was need."""
        finished = finish_squashes(self.database)
        if finished:
            self.emit(RecordMended(finished))
        return bool(finished)

    def compare(self) -> Comparison:
        """Plan the way from what is recorded to what the code needs."""
        comparison = compare(self.database, self.goal)
        phase = self.goal.phase or ALL
        self.emit(StateCompared(comparison.state, comparison.keys, comparison.unknown, comparison.deferred, phase))
        return comparison

    def assess(self, comparison: Comparison, state: ProjectState) -> None:
        """Judge the plan for this database; raise `PlanRefused` at findings that nobody has acknowledged.

        A database without tables has nothing that could be hurt, whoever unapplies migrations has asked for just that,
        and what an earlier attempt let pass may be finished.
        """
        if comparison.backwards or self.judged.issuperset(comparison.keys):
            return
        if self.is_first(comparison):
            self.judged = frozenset(comparison.keys)
            return
        # Most deploys have no plan, and importing all that judges one costs them as much as all that they do.
        from auto_migrate.safety.gate import assess_plan, blocking_level
        from auto_migrate.safety.refusal import refused

        assessment = assess_plan(self.database, comparison, state.clone(), given=self.acknowledgements)
        blocking = assessment.standing(blocking_level())
        self.emit(PlanAssessed(assessment.findings, blocking, assessment.unmatched))
        if blocking:
            raise refused(blocking, self.goal, self.database.alias)
        self.judged = frozenset(comparison.keys)

    def is_first(self, comparison: Comparison) -> bool:
        """Return whether the database is new, or has nothing but what a first run, let pass, has not finished."""
        if not comparison.recorded and not has_tables(self.database.connection):
            return True
        begun = History(self.database.alias).first_plan()
        recorded = {MigrationKey(*node) for node in comparison.recorded}
        return begun.issuperset(recorded) and begun.issuperset(comparison.keys)

    def apply(self, comparison: Comparison, lock: DeployLock, state: ProjectState) -> None:
        """Carry out the plan, from the state that the recorded migrations make, with Django's signals around it."""
        executor = Executor(
            self.database,
            comparison,
            lock=lock,
            emit=self.emit,
            tally=self.tally,
            resolutions=check_pending(self.resolutions, comparison.plan),
            open_journals=open_journals(self.database.alias),
        )
        register_receivers()
        if self.database.pooled and not all(migration.atomic for migration, _backwards in comparison.plan):
            self.emit(PoolerNoticed())
        if self.goal.phase is Phase.POST_DEPLOY and comparison.plan and (others := self.database.other_releases()):
            self.emit(OlderReleasesNoticed(others))
        self.emit(MigratingStarted())
        plan = comparison.plan
        send_pre_migrate(self.database.alias, state, plan, self.audience)
        labels = tuple(sorted({app_label for app_label, _name in comparison.targets}))
        self.tally.total = self.tally.done + len(plan)
        self.emit(PlanMade(labels, comparison.target, comparison.keys, comparison.backwards))
        state = executor.migrate(comparison.targets, plan=plan, state=state.clone())
        send_post_migrate(self.database.alias, state, plan, self.audience)

    def verify(self, comparison: Comparison) -> SchemaState:
        """Look once more at the record; raise `MigrationFailed` if the plan did not come to pass."""
        self.emit(VerifyStarted())
        if undone := left_undone(comparison, self.database):
            raise MigrationFailed(
                _("After the run the record contradicts the plan: {names}.").format(names=", ".join(map(str, undone))),
                hint=_("Another process may have changed the record. Compare: manage.py showmigrations --plan"),
            )
        if comparison.unknown:
            return SchemaState.AHEAD
        recorded = recorded_rows(self.database.connection)
        # Receivers of pre_migrate may have taken migrations out of the plan: then the next run has to look again.
        if self.code is not None and not needs_of(comparison.loader).pending(recorded):
            self.fingerprint = self.code.fingerprint(recorded)
        return SchemaState.UP_TO_DATE
